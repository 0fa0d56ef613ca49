import type { Messaging } from '@gantry/messaging';
import type { ClusterInfo, GangMessage, GangPlace } from '@gantry/protocol';

import type { Payloads } from '../inputs/payloads.ts';
import { GangAddresses } from './gang-addresses.ts';
import { GangLink } from './gang-link.ts';
import type { GangHost } from './gang-part.ts';

export interface GangOptions {
  place: GangPlace;
  messaging: Pick<Messaging, 'request' | 'respond'>;
  payloads: Pick<Payloads, 'isLarge' | 'storeOutcome'>;
  host(): GangHost;
}

/** What ties a container to the others of its gang: how they hear of each other, and where they are. */
export class GangTies {
  readonly link: GangLink;
  readonly #place: GangPlace;
  readonly #addresses: GangAddresses;

  /** @param onMessage - Gets all messages but those of addresses. */
  constructor(
    { place, messaging, host }: GangOptions,
    onMessage: (from: number, message: GangMessage) => void,
  ) {
    this.#place = place;
    this.#addresses = new GangAddresses(place);
    this.link = new GangLink({
      ...{ place, messaging },
      onMessage: (from, message) => {
        if (message.type === 'address') this.#addresses.add(from, message.address);
        else onMessage(from, message);
      },
      onUnreachable: (rank) => host().kill('preempted', `${this.nameOf(rank)} cannot be reached`),
    });
  }

  /** Tells the others where this container is; resolves when it knows it of all. */
  info(address: string): Promise<ClusterInfo> {
    this.#addresses.add(this.#place.rank, address);
    this.link.tellAll({ type: 'address', address });
    return this.#addresses.info();
  }

  nameOf(rank: number): string {
    const { containerIds } = this.#place;
    return `rank ${rank} of ${containerIds.length} (container ${containerIds[rank] ?? ''})`;
  }
}
