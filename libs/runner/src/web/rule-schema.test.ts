import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsEmail,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsPositive,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { expect, test } from 'vitest';

import { withRules } from './rule-schema.ts';

class Base {
  @IsEmail()
  email!: string;
}

class Sample extends Base {
  @IsInt()
  @Min(1)
  @Max(9)
  count!: number;

  @Length(2, 40)
  @Matches(/^[a-z]+$/)
  word!: string;

  @ArrayNotEmpty()
  @ArrayMaxSize(5)
  @MaxLength(3, { each: true })
  tags!: string[];

  @IsIn(['up', 'down'])
  way!: string;

  @IsPositive()
  @IsNotEmpty()
  price!: number;

  @IsNotEmpty()
  nested!: Base;
}

test.each<[property: string, schema: object, told: object]>([
  ['count', { type: 'number' }, { type: 'integer', minimum: 1, maximum: 9 }],
  ['word', { type: 'string' }, { type: 'string', minLength: 2, maxLength: 40, pattern: '^[a-z]+$' }],
  [
    'tags',
    { type: 'array', items: { type: 'string' } },
    { type: 'array', minItems: 1, maxItems: 5, items: { type: 'string', maxLength: 3 } },
  ],
  ['way', { type: 'string' }, { type: 'string', enum: ['up', 'down'] }],
  ['price', { type: 'number' }, { type: 'number', exclusiveMinimum: 0 }],
  ['email', { type: 'string' }, { type: 'string', format: 'email' }],
  ['nested', { $ref: '#/components/schemas/Base' }, { $ref: '#/components/schemas/Base' }],
  ['unknown', { type: 'string' }, { type: 'string' }],
])('the rules of "%s" are in its schema', (property, schema, told) => {
  expect(withRules({ ...schema }, Sample, property)).toEqual(told);
});
