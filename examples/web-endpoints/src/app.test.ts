import { describe, expect, test } from 'vitest';

import { convert, Station } from './app.ts';
import { drawBars } from './bars.ts';
import { totalOf } from './order.ts';

describe('web-endpoints, without any platform', () => {
  test('an endpoint is a function', async () => {
    expect(await convert.local(21.5)).toEqual({ celsius: 21.5, fahrenheit: 70.7 });
    expect(await convert.local(-40, 0)).toEqual({ celsius: -40, fahrenheit: -40 });
  });

  test('a class is an ordinary class', () => {
    const station = new Station();
    station.start();

    expect(station.status()).toMatchObject({ tenant: 'nobody', visits: 1 });
  });

  test('an order costs what its lines cost', () => {
    const customer = { name: 'Ada', email: 'ada@example.org' };
    const lines = [
      { article: 'pen', count: 3, cents: 120 },
      { article: 'ink', count: 1, cents: 899 },
    ];

    expect(totalOf({ customer, lines })).toBe(1_259);
  });

  test('the highest bar fills the chart', () => {
    expect(drawBars([1, 4])).toContain('<rect x="162" y="0" width="156" height="120" rx="3"/>');
    expect(drawBars([])).not.toContain('<rect');
  });
});
