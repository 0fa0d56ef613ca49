import { describe, expect, test } from 'vitest';

import { parseReceipt } from './receipt.ts';

describe('parseReceipt', () => {
  test('takes the total, not the subtotal, the cash or the change', () => {
    const receipt = parseReceipt(
      'Shop\nSubtotal 31.10\nTax 7% 2.18\nTOTAL EUR 33.28\nCash 40.00\nChange 6.72',
    );

    expect(receipt).toMatchObject({ subtotal: 31.1, tax: 2.18, total: 33.28, currency: 'EUR' });
    expect(receipt.items).toEqual([]);
  });

  test('prefers "grand total" and "total due" to a plain total', () => {
    expect(parseReceipt('Total 10.00\nGrand total 12.50\nTotal saved 1.00').total).toBe(12.5);
    expect(parseReceipt('Total due 8.00\nTotal items 3').total).toBe(8);
  });

  test.each([
    ['Total 1.234,50', 1234.5],
    ['Total 1,234.50', 1234.5],
    ['Total 12,90 €', 12.9],
    ['Total $7.05', 7.05],
    ['TOTAL    GBP 99.00 ', 99],
  ])('reads the amount of "%s"', (line, total) => {
    expect(parseReceipt(line).total).toBe(total);
  });

  test('separates quantity, name and amount of an item', () => {
    expect(parseReceipt('2 x Flat white 6.60\nOrange juice 3.15\n10 Eggs 2,99').items).toEqual([
      { quantity: 2, name: 'Flat white', amount: 6.6 },
      { quantity: 1, name: 'Orange juice', amount: 3.15 },
      { quantity: 10, name: 'Eggs', amount: 2.99 },
    ]);
  });

  test('adds up the items when no total is printed', () => {
    expect(parseReceipt('Tea 1.10\nCake 2.20').total).toBe(3.3);
  });

  test('leaves out what it cannot find', () => {
    expect(parseReceipt('nothing here')).toEqual({
      text: 'nothing here',
      lines: ['nothing here'],
      shop: 'nothing here',
      items: [],
    });
  });

  test('reads ISO dates and dates with the day first', () => {
    expect(parseReceipt('Date 2026-03-14').date).toBe('2026-03-14');
    expect(parseReceipt('14.3.2026').date).toBe('2026-03-14');
  });
});
