import { Type } from 'class-transformer';
import { ArrayNotEmpty, IsEmail, IsInt, IsString, Length, Max, Min, ValidateNested } from 'class-validator';

export class Line {
  /** What is ordered. */
  @IsString()
  @Length(1, 40)
  article!: string;

  @IsInt()
  @Min(1)
  @Max(100)
  count: number = 1;

  /** Price of one, in cents. */
  @IsInt()
  @Min(0)
  cents!: number;
}

export class Customer {
  @IsString()
  @Length(1, 80)
  name!: string;

  @IsEmail()
  email!: string;
}

/** What a customer wants. A request that is something else is answered with 422, and says what is wrong where. */
export class Order {
  @ValidateNested()
  @Type(() => Customer)
  customer!: Customer;

  @ArrayNotEmpty()
  @ValidateNested({ each: true })
  @Type(() => Line)
  lines!: Line[];
}

/** The sum of all lines, in cents. */
export function totalOf({ lines }: Order): number {
  return lines.reduce((sum, { count, cents }) => sum + count * cents, 0);
}
