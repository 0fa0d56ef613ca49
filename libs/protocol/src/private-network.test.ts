import { expect, it } from 'vitest';

import {
  LOOPBACK_ADDRESSES,
  loopbackAddress,
  privateAddressBytes,
  privateAddressIn,
  privateSubnetAt,
} from './private-network.ts';

it('addresses of plain processes are those of 127.64.0.0/10, each once', () => {
  expect(loopbackAddress(0)).toBe('127.64.0.0');
  expect(loopbackAddress(0x01_02_03)).toBe('127.65.2.3');
  expect(loopbackAddress(LOOPBACK_ADDRESSES - 1)).toBe('127.127.255.255');
});

it('addresses of isolated containers name their workspace and their worker, and are read as they are written', () => {
  const subnet = { workspace: 0x51373ebf, worker: 0x0a701b9d };
  const address = privateAddressIn(subnet, new Uint8Array([0x3a, 0x11, 0x71, 0xf2, 0x5f, 0x0f]));
  expect(address).toBe('fdaa:5137:3ebf:a70:1b9d:3a11:71f2:5f0f');
  const bytes = privateAddressBytes(address);
  expect(privateSubnetAt(new Uint8Array([1, 2, ...bytes]), 2)).toEqual(subnet);
  expect(privateSubnetAt(new Uint8Array(16), 0)).toBeUndefined();
});

it.each(['fdaa::1', '127.64.0.1', 'fdaa:1:2:3:4:5:6:fffff', ''])('"%s" is no such address', (text) => {
  expect(() => privateAddressBytes(text)).toThrow('is no address of a private network');
});
