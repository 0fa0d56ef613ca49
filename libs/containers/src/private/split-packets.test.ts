import { expect, it } from 'vitest';

import { splitPackets } from './split-packets.ts';

/** A packet with so many bytes after its head, all of them `fill`. */
function packet(bytes: number, fill: number): Buffer {
  const all = Buffer.alloc(40 + bytes, fill);
  all[0] = 0x60;
  all.writeUInt16BE(bytes, 4);
  return all;
}

it('packets that come one after the other are told apart by their own words', () => {
  const all = [packet(0, 1), packet(70, 2), packet(65_535, 3)];
  expect(splitPackets(Buffer.concat(all))).toEqual({ packets: all, rest: Buffer.alloc(0) });
});

it('the beginning of a packet is left for when the rest of it comes', () => {
  const [whole, torn] = [packet(5, 1), packet(70, 2)];
  for (const size of [1, 39, 40, 109]) {
    const { packets, rest } = splitPackets(Buffer.concat([whole, torn.subarray(0, size)]));
    expect(packets).toEqual([whole]);
    expect(Buffer.concat([rest, torn.subarray(size)])).toEqual(torn);
  }
});

it('what is no packet is none, and neither is what comes after it', () => {
  const strange = packet(5, 1);
  strange[0] = 0x45;
  expect(splitPackets(Buffer.concat([strange, packet(5, 2)])).packets).toEqual([]);
});
