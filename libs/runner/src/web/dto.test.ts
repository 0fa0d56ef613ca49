import type { TypeSpec } from '@gantry/protocol';
import { describe, expect, test } from 'vitest';

import { DtoBuilder } from './dto.ts';
import { ORDER_TYPE } from './order-spec.fixture.ts';
import { Address, Item, Order } from './order.fixture.ts';

const GOOD = { email: 'a@b.co', address: { city: 'Ulm' }, items: [{ sku: 'x' }, { sku: 'y', count: 2 }] };

async function build(value: unknown): Promise<{ order: Order; problems: Record<string, string> }> {
  const dtos = new DtoBuilder();
  const order = dtos.build(value, ORDER_TYPE, { loc: ['body'], target: Order }) as Order;
  await dtos.check();
  return { order, problems: Object.fromEntries(dtos.problems.map(({ loc, type }) => [loc.join('.'), type])) };
}

describe('DtoBuilder', () => {
  test('builds instances of nested classes and of items of arrays', async () => {
    const { order, problems } = await build(GOOD);
    expect(problems).toEqual({});
    expect(order).toBeInstanceOf(Order);
    expect(order.address).toBeInstanceOf(Address);
    expect(order.items.every((item) => item instanceof Item)).toBe(true);
    expect(order.describe()).toBe('2 for Ulm');
  });

  test('keeps the defaults of the class for absent fields', async () => {
    const { order } = await build(GOOD);
    expect(order.items.map(({ count }) => count)).toEqual([1, 2]);
  });

  test('names every failing field by its place', async () => {
    const { problems } = await build({
      email: 'x',
      address: { city: 'U' },
      items: [{ sku: 'x', count: 0 }, { sku: 5 }],
    });
    expect(problems).toEqual({
      'body.email': 'isEmail',
      'body.address.city': 'minLength',
      'body.items.0.count': 'min',
      'body.items.1.sku': 'isString',
    });
  });

  test('says once that a field is missing', async () => {
    const { problems } = await build({ address: {} });
    expect(problems).toEqual({
      'body.email': 'missing',
      'body.address.city': 'missing',
      'body.items': 'missing',
    });
  });

  test('drops what the class does not declare', async () => {
    const { order } = await build(
      JSON.parse(JSON.stringify(GOOD).replace('{', '{"admin":true,"__proto__":{"x":1},')),
    );
    expect(order).not.toHaveProperty('admin');
    expect(order).not.toHaveProperty('x');
  });

  test('holds a field without rules against its type, and converts dates', async () => {
    const { order } = await build({ ...GOOD, placedAt: '2030-01-01T00:00:00Z' });
    expect(order.placedAt).toEqual(new Date('2030-01-01T00:00:00Z'));
    const { problems } = await build({ ...GOOD, placedAt: 'soon' });
    expect(problems).toEqual({ 'body.placedAt': 'datetime_parsing' });
  });

  test('wants an object where the class is one', async () => {
    for (const value of [[], 'text', 5, null]) {
      expect((await build(value)).problems).toEqual({ body: 'model_attributes_type' });
    }
    expect((await build({ ...GOOD, address: 'Ulm', items: [5] })).problems).toMatchObject({
      'body.address': 'nestedValidation',
    });
  });

  test('holds an object of a class without rules against its type, beside classes that have some', async () => {
    const type: TypeSpec = {
      ...{ type: 'object', className: 'Plain' },
      fields: [{ name: 'id', type: { type: 'string' }, optional: false }],
    };
    const dtos = new DtoBuilder();
    expect(dtos.build({ id: 'a', more: 1 }, type, { loc: ['body'] })).toEqual({ id: 'a' });
    dtos.build({ id: 1 }, type, { loc: ['body'] });
    await dtos.check();
    expect(dtos.problems.map(({ loc, type: kind }) => [loc.join('.'), kind])).toEqual([
      ['body.id', 'string_type'],
    ]);
  });

  describe('an object whose type is an interface', () => {
    const TYPE: TypeSpec = {
      type: 'object',
      fields: [
        { name: 'id', type: { type: 'integer' }, optional: false },
        { name: 'when', type: { type: 'date', nullable: true }, optional: false },
        { name: 'note', type: { type: 'string' }, optional: true },
        {
          name: 'lines',
          optional: true,
          type: {
            type: 'array',
            items: { type: 'object', fields: [{ name: 'sku', type: { type: 'string' }, optional: false }] },
          },
        },
      ],
    };
    const read = (value: unknown): { object: unknown; problems: Record<string, string> } => {
      const dtos = new DtoBuilder();
      const object = dtos.build(value, TYPE, { loc: ['body'] });
      return {
        object,
        problems: Object.fromEntries(dtos.problems.map(({ loc, type }) => [loc.join('.'), type])),
      };
    };

    test('is held against it, at every depth', () => {
      expect(read({ id: 'x', note: 5, lines: [{ sku: 'a' }, {}, 'b'] }).problems).toEqual({
        'body.id': 'integer_type',
        'body.when': 'missing',
        'body.note': 'string_type',
        'body.lines.1.sku': 'missing',
        'body.lines.2': 'model_attributes_type',
      });
      expect(read('text').problems).toEqual({ body: 'model_attributes_type' });
    });

    test('has dates as dates, null where that may be, and keeps what its type does not name', () => {
      expect(read({ id: 1, when: '2030-01-01T00:00:00Z', more: [1] })).toEqual({
        object: { id: 1, when: new Date('2030-01-01T00:00:00Z'), more: [1] },
        problems: {},
      });
      expect(read({ id: 1, when: null })).toEqual({ object: { id: 1, when: null }, problems: {} });
      expect(read({ id: null, when: null }).problems).toEqual({ 'body.id': 'integer_type' });
    });
  });
});
