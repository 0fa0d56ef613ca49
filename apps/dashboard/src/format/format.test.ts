import { expect, it } from 'vitest';

import { plural, scheduleText, shortId, webAddress } from './texts.ts';
import { duration, instant, relative } from './times.ts';

it('times are told from now, in the largest unit that fits', () => {
  expect([999, 1_000, 59_999, 60_000, 7_200_000, 90_000_000].map(duration)).toEqual([
    ...['999 ms', '1 s', '59 s', '1 min', '2 h', '1 d'],
  ]);
  expect([relative(0, 5_000), relative(5_000, 0), relative(100, 0)]).toEqual([
    '5 s ago',
    'in 5 s',
    'just now',
  ]);
  expect(instant(0)).toBe('1970-01-01 00:00:00 UTC');
});

it('schedules and counts read as people write them', () => {
  expect(scheduleText({ type: 'cron', expression: '0 8 * * 1' })).toBe('0 8 * * 1 (UTC)');
  expect(scheduleText({ type: 'period', days: 1, hours: 5 })).toBe('every 1 day 5 hours');
  expect([plural(1, 'run'), plural(2, 'run')]).toEqual(['1 run', '2 runs']);
  expect([shortId('ta-0VcDCloXgaH4URWRIDxUAY'), shortId('ta-1')]).toEqual(['ta-…IDxUAY', 'ta-1']);
});

it('only web addresses are links', () => {
  expect(webAddress('https://shop.gantry.localhost:7443')).toBe('https://shop.gantry.localhost:7443');
  for (const url of ['javascript:alert(1)', 'data:text/html,x', '/apps'])
    expect(webAddress(url)).toBeUndefined();
});
