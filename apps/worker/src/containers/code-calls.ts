import { toWireError, type RunnerToWorker, type WorkerToRunner } from '@gantry/protocol';

import type { ContainerVolumes } from '../volumes/container-volumes.ts';
import type { ObjectRequests } from '../volumes/object-requests.ts';
import type { ContainerCalls } from './container-calls.ts';
import type { ContainerSurroundings } from './container-surroundings.ts';
import type { ContainerTables } from './container-tables.ts';
import type { ContainerTunnels } from './container-tunnels.ts';

/** What the container of some code has for it. */
interface CodeParts {
  volumes: Pick<ContainerVolumes, 'act'>;
  tables: Pick<ContainerTables, 'open' | 'close'>;
  tunnels: Pick<ContainerTunnels, 'open' | 'close' | 'closeAll'>;
}

type Asked = Extract<
  RunnerToWorker,
  { type: 'lookup' | 'object' | 'volume' | 'table' | 'openTunnel' | 'closeTunnel' }
>;

/** What the code of a container asks of the platform; opened with the first call, and the first request. */
export class CodeCalls {
  readonly #around: Pick<ContainerSurroundings, 'openCalls' | 'openObjects'>;
  readonly #parts: CodeParts;
  readonly #send: (message: WorkerToRunner) => void;
  #calls: ContainerCalls | undefined;
  #objects: ObjectRequests | undefined;

  constructor(
    around: Pick<ContainerSurroundings, 'openCalls' | 'openObjects'>,
    parts: CodeParts,
    send: (message: WorkerToRunner) => void,
  ) {
    this.#around = around;
    this.#parts = parts;
    this.#send = send;
  }

  receive(message: Asked | Extract<RunnerToWorker, { type: 'api' }>): void {
    if (message.type === 'api') this.#opened().receive(message.message);
    else void this.#answer(message).then(this.#send);
  }

  close(): void {
    this.#calls?.close();
    this.#parts.tunnels.closeAll();
    this.#parts.tables.close();
  }

  async #answer(message: Asked): Promise<WorkerToRunner> {
    const { requestId } = message;
    switch (message.type) {
      case 'lookup':
        return { type: 'lookedUp', requestId, ...(await this.#opened().lookup(message)) };
      case 'object':
        this.#objects ??= this.#around.openObjects();
        return { type: 'objectAnswer', requestId, ...(await this.#objects.answer(message)) };
      case 'volume':
        return { type: 'volumeDone', requestId, error: await this.#parts.volumes.act(message) };
      case 'table':
        return { type: 'tableAnswer', requestId, value: await this.#parts.tables.open(message.dictId) };
      case 'openTunnel':
        return { type: 'tunnelAnswer', requestId, ...(await this.#openTunnel(message)) };
      case 'closeTunnel':
        this.#parts.tunnels.close(message.tunnelId);
        return { type: 'tunnelAnswer', requestId };
    }
  }

  async #openTunnel(order: Extract<Asked, { type: 'openTunnel' }>) {
    try {
      return { value: await this.#parts.tunnels.open(order) };
    } catch (error) {
      return { error: toWireError(error) };
    }
  }

  #opened(): ContainerCalls {
    return (this.#calls ??= this.#around.openCalls(this.#send));
  }
}
