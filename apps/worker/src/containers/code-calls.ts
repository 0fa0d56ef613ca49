import type { RunnerToWorker, WorkerToRunner } from '@gantry/protocol';

import type { ContainerCalls } from './container-calls.ts';

/** The calls that the code of a container makes; opened with the first one. */
export class CodeCalls {
  readonly #open: () => ContainerCalls;
  readonly #send: (message: WorkerToRunner) => void;
  #calls: ContainerCalls | undefined;

  constructor(open: () => ContainerCalls, send: (message: WorkerToRunner) => void) {
    this.#open = open;
    this.#send = send;
  }

  receive({ message }: Extract<RunnerToWorker, { type: 'api' }>): void {
    this.#opened().receive(message);
  }

  lookUp(message: Extract<RunnerToWorker, { type: 'lookup' }>): void {
    const { requestId } = message;
    void this.#opened()
      .lookup(message)
      .then((found) => this.#send({ type: 'lookedUp', requestId, ...found }));
  }

  close(): void {
    this.#calls?.close();
  }

  #opened(): ContainerCalls {
    return (this.#calls ??= this.#open());
  }
}
