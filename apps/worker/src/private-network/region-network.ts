import { createHash, randomBytes } from 'node:crypto';

import { type PrivateLink, PrivateRouter, type PrivateRouterOptions } from '@gantry/containers';
import type { Messaging } from '@gantry/messaging';
import { PRIVATE_CONTAINER_BYTES, privateAddressIn, type PrivateSubnet } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

import { PacketExchange } from './packet-exchange.ts';
import type { PrivateNetwork } from './private-network.ts';
import { workspaceNumber } from './workspace-number.ts';

export interface RegionNetworkOptions {
  workerId: string;
  /** Of the machine. Containers reach those of the same one. */
  region: string | undefined;
  registry: Pick<Messaging['registry'], 'get' | 'create'>;
  /** A connection of its own: packets keep nothing else waiting. */
  connect(): Promise<Pick<Messaging, 'publish' | 'subscribe' | 'flush' | 'close'>>;
  log: Logger;
}

/** What is there while containers of this worker may have a private network. */
interface Opened {
  subnet: PrivateSubnet;
  router: PrivateRouter;
  close(): Promise<void>;
}

/**
 * Isolated containers reach each other within a region, on this worker and across workers. Nothing of it is there before
 * the first container wants it.
 */
export class RegionNetwork implements PrivateNetwork {
  readonly #options: RegionNetworkOptions;
  #opened: Promise<Opened> | undefined;
  /** Called when their containers are cut off. */
  readonly #places = new Map<PrivateLink, () => void>();

  constructor(options: RegionNetworkOptions) {
    this.#options = options;
  }

  async take(onLost: () => void): Promise<PrivateLink> {
    const { subnet, router } = await this.#open();
    // So many that none comes twice; all zeros are the router.
    const address = privateAddressIn(subnet, randomBytes(PRIVATE_CONTAINER_BYTES));
    const link = { address, router: router.path };
    this.#places.set(link, onLost);
    return link;
  }

  release(link: PrivateLink): void {
    this.#places.delete(link);
  }

  async close(): Promise<void> {
    await (await this.#opened?.catch(() => undefined))?.close();
  }

  #open(): Promise<Opened> {
    if (!this.#opened) {
      const opened = this.#openNow();
      this.#opened = opened;
      opened.catch(() => {
        if (this.#opened === opened) this.#opened = undefined;
      });
    }
    return this.#opened;
  }

  async #openNow(): Promise<Opened> {
    const { workerId, region, registry, connect } = this.#options;
    const subnet = { workspace: await workspaceNumber(registry), worker: workerNumber(workerId) };
    const messaging = await connect();
    let exchange: PacketExchange | undefined;
    try {
      const onPackets: PrivateRouterOptions['onPackets'] = (packets) => exchange?.send(packets);
      const router = await PrivateRouter.open({ subnet, onPackets, onLost: () => this.#lost() });
      exchange = new PacketExchange({
        ...{ messaging, subnet, region },
        onPackets: (packets) => void router.send(packets),
      });
      // Whoever is told an address can send to it.
      await messaging.flush();
      const close = async (): Promise<void> => {
        exchange?.stop();
        await router.close();
        await messaging.close();
      };
      return { subnet, router, close };
    } catch (error) {
      await messaging.close();
      throw error;
    }
  }

  #lost(): void {
    this.#options.log.error('the router of the private network has ended, so its containers end, too');
    void this.#opened?.then((opened) => opened.close());
    this.#opened = undefined;
    for (const onLost of [...this.#places.values()]) onLost();
  }
}

/** Two workers may have the same: each gets what is for the other as well, and has no container of such an address. */
function workerNumber(workerId: string): number {
  return createHash('sha256').update(workerId).digest().readUInt32BE(0);
}
