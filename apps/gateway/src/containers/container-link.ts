import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

import { BytePipe, type Messaging } from '@gantry/messaging';
import {
  ContainerError,
  subjects,
  type ContainerAddress,
  type WorkerCommand,
  type WorkerReply,
} from '@gantry/protocol';

/** Connects to containers: to their sockets on this machine, through NATS and their worker on others. */
export class ContainerLink {
  readonly #messaging: Pick<Messaging, 'publish' | 'subscribe' | 'request'>;

  constructor(messaging: Pick<Messaging, 'publish' | 'subscribe' | 'request'>) {
    this.#messaging = messaging;
  }

  /** A connection to a container's HTTP socket. @throws an error of the system if nobody listens there. */
  async connect(address: ContainerAddress): Promise<Duplex> {
    const socket = connect({ path: address.httpSocketPath, allowHalfOpen: true });
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      // Its path holds the id of the container, so no other container of this machine has it.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return await this.#connectElsewhere(address).catch((cause: unknown) => {
        throw Object.assign(error as Error, { cause });
      });
    }
  }

  async #connectElsewhere({ workerId, containerId }: ContainerAddress): Promise<Duplex> {
    const pipeId = randomUUID();
    const pipe = new BytePipe({ messaging: this.#messaging, pipeId, side: 'gateway' });
    const command: WorkerCommand = { type: 'connect', containerId, pipeId };
    try {
      const reply = await this.#messaging.request<WorkerReply>(subjects.worker(workerId), command);
      if (!reply.ok) throw new ContainerError(reply.message ?? 'the container cannot be reached');
      return pipe;
    } catch (error) {
      pipe.destroy();
      throw error;
    }
  }
}
