import 'reflect-metadata';

import { Type } from 'class-transformer';
import {
  ArrayMinSize,
  IsEmail,
  IsInt,
  IsOptional,
  IsString,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';

export class Address {
  @IsString()
  @MinLength(2)
  city!: string;
}

export class Item {
  @IsString()
  sku!: string;

  @IsInt()
  @Min(1)
  count: number = 1;
}

export class Order {
  @IsEmail()
  email!: string;

  @ValidateNested()
  address!: Address;

  @ValidateNested({ each: true })
  @Type(() => Item)
  @ArrayMinSize(1)
  items!: Item[];

  @IsOptional()
  @IsString()
  note?: string;

  placedAt?: Date;

  describe(): string {
    return `${this.items.length} for ${this.address.city}`;
  }
}
