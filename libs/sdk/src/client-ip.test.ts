import { expect, it } from 'vitest';

import { getClientIp } from './client-ip.ts';

it('knows the address of a client, whichever kind of request it is asked for', () => {
  const headers = { 'x-forwarded-for': '192.0.2.7' };
  expect(getClientIp(new Request('https://shop.test', { headers }))).toBe('192.0.2.7');
  expect(getClientIp({ headers })).toBe('192.0.2.7');
  expect(getClientIp({ headers: {} })).toBeUndefined();
});
