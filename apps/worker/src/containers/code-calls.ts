import type { RunnerToWorker, WorkerToRunner } from '@gantry/protocol';

import type { ContainerVolumes } from '../volumes/container-volumes.ts';
import type { ObjectRequests } from '../volumes/object-requests.ts';
import type { ContainerCalls } from './container-calls.ts';
import type { ContainerSurroundings } from './container-surroundings.ts';

/** What the code of a container asks of the platform; opened with the first call, and the first request. */
export class CodeCalls {
  readonly #around: Pick<ContainerSurroundings, 'openCalls' | 'openObjects'>;
  readonly #volumes: Pick<ContainerVolumes, 'act'>;
  readonly #send: (message: WorkerToRunner) => void;
  #calls: ContainerCalls | undefined;
  #objects: ObjectRequests | undefined;

  constructor(
    around: Pick<ContainerSurroundings, 'openCalls' | 'openObjects'>,
    volumes: Pick<ContainerVolumes, 'act'>,
    send: (message: WorkerToRunner) => void,
  ) {
    this.#around = around;
    this.#volumes = volumes;
    this.#send = send;
  }

  receive(message: Extract<RunnerToWorker, { type: 'api' | 'lookup' | 'object' | 'volume' }>): void {
    if (message.type === 'api') this.#opened().receive(message.message);
    else void this.#answer(message).then(this.#send);
  }

  close(): void {
    this.#calls?.close();
  }

  async #answer(
    message: Extract<RunnerToWorker, { type: 'lookup' | 'object' | 'volume' }>,
  ): Promise<WorkerToRunner> {
    const { requestId } = message;
    switch (message.type) {
      case 'lookup':
        return { type: 'lookedUp', requestId, ...(await this.#opened().lookup(message)) };
      case 'object':
        this.#objects ??= this.#around.openObjects();
        return { type: 'objectAnswer', requestId, ...(await this.#objects.answer(message)) };
      case 'volume':
        return { type: 'volumeDone', requestId, error: await this.#volumes.act(message) };
    }
  }

  #opened(): ContainerCalls {
    return (this.#calls ??= this.#around.openCalls(this.#send));
  }
}
