import { expect, it } from 'vitest';

import { LOOPBACK_ADDRESSES, loopbackAddress } from './private-network.ts';

it('addresses of plain processes are those of 127.64.0.0/10, each once', () => {
  expect(loopbackAddress(0)).toBe('127.64.0.0');
  expect(loopbackAddress(0x01_02_03)).toBe('127.65.2.3');
  expect(loopbackAddress(LOOPBACK_ADDRESSES - 1)).toBe('127.127.255.255');
});
