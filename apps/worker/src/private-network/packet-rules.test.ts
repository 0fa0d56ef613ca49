import { privateAddressBytes, privateAddressIn } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { allowedOf, byReceiver } from './packet-rules.ts';

const OWN = { workspace: 1, worker: 10 };
const OTHER = { workspace: 1, worker: 20 };
const THIRD = { workspace: 1, worker: 30 };
const STRANGER = { workspace: 2, worker: 10 };

type Subnet = typeof OWN;

function packet(from: Subnet, to: Subnet | string): Buffer {
  const bytes = Buffer.alloc(40);
  bytes[0] = 0x60;
  const addressIn = (subnet: Subnet) => privateAddressIn(subnet, new Uint8Array([1, 2, 3, 4, 5, 6]));
  bytes.set(privateAddressBytes(addressIn(from)), 8);
  bytes.set(privateAddressBytes(typeof to === 'string' ? to : addressIn(to)), 24);
  return bytes;
}

describe('packets of containers of this worker', () => {
  it('go to the workers that their addresses name, in order', () => {
    const sent = [packet(OWN, OTHER), packet(OWN, THIRD), packet(OWN, OTHER)];
    expect(byReceiver(sent, OWN)).toEqual(
      new Map([
        [20, [sent[0], sent[2]]],
        [30, [sent[1]]],
      ]),
    );
  });

  it.each([
    ['another workspace', STRANGER],
    ['this worker', OWN],
    ['all neighbours', 'ff02:0:0:0:0:0:0:1'],
  ])('go nowhere if they are for %s', (_who, receiver) => {
    expect(byReceiver([packet(OWN, receiver)], OWN).size).toBe(0);
  });
});

describe('packets of another worker', () => {
  it('go on from its containers to those of this one', () => {
    const packets = [packet(OTHER, OWN), packet(OTHER, OWN)];
    expect(allowedOf(Buffer.concat(packets), OTHER.worker, OWN)).toEqual(packets);
  });

  it.each([
    ['in the name of a third one', packet(THIRD, OWN)],
    ['in the name of this one', packet(OWN, OWN)],
    ['from another workspace', packet(STRANGER, OWN)],
    ['for another worker', packet(OTHER, THIRD)],
    ['for another workspace', packet(OTHER, STRANGER)],
    ['that are none', Buffer.alloc(100)],
  ])('are dropped if they are %s', (_what, bytes) => {
    expect(allowedOf(Buffer.concat([packet(OTHER, OWN), bytes]), OTHER.worker, OWN)).toHaveLength(1);
    expect(allowedOf(Buffer.concat([bytes]), OTHER.worker, OWN)).toEqual([]);
  });
});
