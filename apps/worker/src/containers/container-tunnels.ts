import { randomBytes } from 'node:crypto';

import type { Messaging } from '@gantry/messaging';
import {
  ConnectionError,
  GantryTimeoutError,
  InternalFailure,
  InvalidError,
  subjects,
  type ContainerAddress,
  type RunnerToWorker,
  type TunnelAddress,
  type TunnelRequest,
  type TunnelStatus,
} from '@gantry/protocol';

import type { ContainerOrder } from './load-message.ts';
import { restricted } from './restricted.ts';

/** Of a host name, besides what it starts with: 25 characters of 32 are as good as a key of 125 bits. */
const NAME_CHARACTERS = 25;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

export interface ContainerTunnelsOptions {
  messaging: Pick<Messaging, 'request'>;
  /** Where the container is, while it listens. */
  address(): ContainerAddress;
  /** Its code may use no object of the platform. */
  isRestricted: boolean;
  /** Its function wants no network. */
  isCutOff: boolean;
  onChange(): void;
}

/** The tunnels that lead into one container. They are part of its status, by which all gateways know of them. */
export class ContainerTunnels {
  readonly #options: ContainerTunnelsOptions;
  readonly #open = new Map<number, TunnelStatus>();

  constructor(options: ContainerTunnelsOptions) {
    this.#options = options;
  }

  /** Of a container that is to be started. */
  static of(
    { containerId, record }: ContainerOrder,
    place: Pick<ContainerTunnelsOptions, 'messaging' | 'onChange'> & {
      workerId: string;
      httpSocketPath: () => string;
    },
  ): ContainerTunnels {
    const { messaging, onChange, workerId, httpSocketPath } = place;
    const { restrictAccess = false, blockNetwork = false } = record.spec.options;
    return new ContainerTunnels({
      ...{ messaging, onChange, isRestricted: restrictAccess, isCutOff: blockNetwork },
      address: () => ({ workerId, containerId, httpSocketPath: httpSocketPath() }),
    });
  }

  /** Undefined if there are none. */
  get status(): TunnelStatus[] | undefined {
    return this.#open.size === 0 ? undefined : [...this.#open.values()];
  }

  /** @throws AuthError, InvalidError if the container may have none, ConnectionError if no gateway answers. */
  async open(order: Extract<RunnerToWorker, { type: 'openTunnel' }>): Promise<TunnelAddress> {
    const { isRestricted, isCutOff, address, onChange } = this.#options;
    if (isRestricted) throw restricted();
    if (isCutOff) {
      throw new InvalidError('the option "blockNetwork" keeps this container from opening tunnels', {
        hint: 'Deploy its function without the option.',
      });
    }
    const { tunnelId: id, http2, unencrypted } = order;
    const tunnel: TunnelStatus = { id, name: newTunnelName(), http2 };
    this.#open.set(id, tunnel);
    onChange();
    try {
      const found = await this.#ask({ ...address(), tunnel, unencrypted });
      if (found.tcp && this.#open.has(id)) this.#open.set(id, { ...tunnel, tcpPort: found.tcp.port });
      onChange();
      return found;
    } catch (error) {
      this.close(id);
      throw error;
    }
  }

  close(id: number): void {
    if (this.#open.delete(id)) this.#options.onChange();
  }

  /** The container has ended. */
  closeAll(): void {
    this.#open.clear();
  }

  async #ask(request: TunnelRequest): Promise<TunnelAddress> {
    try {
      return await this.#options.messaging.request<TunnelAddress>(subjects.tunnel, request);
    } catch (cause) {
      if (!(cause instanceof InternalFailure) && !(cause instanceof GantryTimeoutError)) throw cause;
      throw new ConnectionError('no gateway answers, so the port cannot be reached from outside', {
        cause,
        hint: 'Whoever runs the platform must start a gateway: gantry gateway.',
      });
    }
  }
}

function newTunnelName(): string {
  let name = 't-';
  for (const byte of randomBytes(NAME_CHARACTERS)) name += ALPHABET[byte % ALPHABET.length];
  return name;
}
