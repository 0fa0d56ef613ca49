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
});
