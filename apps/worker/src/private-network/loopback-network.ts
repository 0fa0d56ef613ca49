import { randomInt } from 'node:crypto';

import type { PrivateLink } from '@gantry/containers';
import { LOOPBACK_ADDRESSES, loopbackAddress } from '@gantry/protocol';

import type { PrivateNetwork } from './private-network.ts';

/**
 * What plain processes have: addresses of the machine itself, so that all of them can listen at the same port. Workers of
 * one machine do not know of each other; that two of them choose the same address is as good as impossible.
 */
export class LoopbackNetwork implements PrivateNetwork {
  readonly #taken = new Set<string>();

  take(): Promise<PrivateLink> {
    let address: string;
    do address = loopbackAddress(randomInt(LOOPBACK_ADDRESSES));
    while (this.#taken.has(address));
    this.#taken.add(address);
    return Promise.resolve({ address });
  }

  release({ address }: PrivateLink): void {
    this.#taken.delete(address);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
