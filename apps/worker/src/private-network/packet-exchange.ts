import type { Messaging } from '@gantry/messaging';
import { type PrivatePacketsMessage, type PrivateSubnet, subjects } from '@gantry/protocol';

import { allowedOf, byReceiver } from './packet-rules.ts';

/** What may be on its way to the broker; more is lost, as in any network. */
const MOST_UNDER_WAY_BYTES = 8 * 1024 * 1024;

export interface PacketExchangeOptions {
  messaging: Pick<Messaging, 'publish' | 'subscribe' | 'flush'>;
  /** Of this worker. */
  subnet: PrivateSubnet;
  /** Of this worker; workers without one are in one region, too. */
  region: string | undefined;
  /** Whole packets for containers of this worker. */
  onPackets(packets: Uint8Array): void;
}

/** Carries packets between the workers of one region. They may be lost, and change their order, as in any network. */
export class PacketExchange {
  readonly #options: PacketExchangeOptions;
  readonly #subscription: { stop(): void };
  /** Bytes that the broker may not have yet: those it was asked about, and later ones. */
  #asked = 0;
  #later = 0;

  constructor(options: PacketExchangeOptions) {
    this.#options = options;
    const { messaging, subnet, region, onPackets } = options;
    this.#subscription = messaging.subscribe<PrivatePacketsMessage>(
      subjects.privatePackets(region, subnet.worker),
      ({ from, packets }) => {
        const allowed = allowedOf(packets, from, subnet);
        if (allowed.length > 0) onPackets(Buffer.concat(allowed));
      },
    );
  }

  /** Packets of containers of this worker. */
  send(packets: readonly Uint8Array[]): void {
    const { messaging, subnet, region } = this.#options;
    for (const [worker, those] of byReceiver(packets, subnet)) {
      const message: PrivatePacketsMessage = { from: subnet.worker, packets: Buffer.concat(those) };
      if (this.#asked + this.#later + message.packets.length > MOST_UNDER_WAY_BYTES) continue;
      this.#later += message.packets.length;
      messaging.publish(subjects.privatePackets(region, worker), message);
    }
    if (this.#asked === 0 && this.#later > 0) void this.#ask();
  }

  stop(): void {
    this.#subscription.stop();
  }

  async #ask(): Promise<void> {
    while (this.#later > 0) {
      this.#asked = this.#later;
      this.#later = 0;
      // A connection that is lost for good is found elsewhere; here all that counts is what waits.
      await this.#options.messaging.flush().catch(() => undefined);
    }
    this.#asked = 0;
  }
}
