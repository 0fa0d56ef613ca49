import { expect, test } from 'vitest';

import { drawReceipt, makeOrder, totalOf } from './order.ts';

test('makes the same order for the same number, and different ones for others', () => {
  expect(makeOrder(3)).toEqual(makeOrder(3));
  expect(new Set([0, 1, 2, 3].map((number) => totalOf(makeOrder(number)))).size).toBe(4);
});

test('prints each item with its amount, and the total', () => {
  const order = { shop: 'BAKERY', items: [{ name: 'Green tea', quantity: 3, cents: 215 }] };

  const drawn = drawReceipt(order);

  expect(totalOf(order)).toBe(645);
  expect(drawn).toMatch(/>BAKERY<.*>3 x Green tea<.*>6\.45<.*>TOTAL EUR<.*>6\.45</s);
});
