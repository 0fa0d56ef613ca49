import { plainToInstance, Transform } from 'class-transformer';
import { IsString } from 'class-validator';

export { Address, Item, Order } from './order.fixture.ts';

export class Shout {
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.toUpperCase() : value))
  @IsString()
  text!: string;
}

/** What a bundle may do so that its own class-transformer builds its classes. */
export function offerOwnTransformer(): void {
  Object.assign(globalThis, { [Symbol.for('gantry.validation')]: { plainToInstance } });
}
