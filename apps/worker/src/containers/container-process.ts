import { setTimeout as delay } from 'node:timers/promises';

import type { Container, ContainerEnd, ContainerUse, ExecOptions, ExecProcess } from '@gantry/containers';
import type { RunnerToWorker, WorkerToRunner } from '@gantry/protocol';
import { FrameChannel } from '@gantry/runner';

import type { ContainerSurroundings } from './container-surroundings.ts';

const LAST_WORDS_MS = 200;
const OUT_OF_MEMORY_TEXT = 'heap out of memory';

export interface ContainerProcessListener {
  onMessage(message: RunnerToWorker): void;
  /** Called once, after the last message. */
  onEnded(end: ContainerEnd): void;
}

/** A started container as its worker talks to it: messages, output, end. */
export class ContainerProcess {
  readonly #container: Container;
  readonly #channel: FrameChannel<RunnerToWorker, WorkerToRunner>;
  readonly #gang: ContainerSurroundings['gang'];
  #ranOutOfMemory = false;

  constructor(
    container: Container,
    { containerLog: log, gang }: Pick<ContainerSurroundings, 'containerLog' | 'gang'>,
    own: ContainerProcessListener,
  ) {
    this.#container = container;
    this.#gang = gang;
    const listener = gang?.listen(own, (message) => this.#channel.send(message)) ?? own;
    this.#channel = new FrameChannel(container.channel);
    const channelClosed = new Promise<void>((resolve) => {
      this.#channel.listen({ onMessage: (message) => listener.onMessage(message), onClose: resolve });
    });
    for (const stream of ['stdout', 'stderr'] as const) {
      container[stream].setEncoding('utf8').on('data', (text: string) => {
        this.#ranOutOfMemory ||= text.includes(OUT_OF_MEMORY_TEXT);
        log.write(stream, text);
      });
    }
    void container.exited.then(async (end) => {
      // What it said last may still be on its way.
      await Promise.race([channelClosed, delay(LAST_WORDS_MS)]);
      this.#channel.close();
      listener.onEnded(end);
    });
  }

  /** Where the runner listens for HTTP if its function has endpoints, as it knows that place. */
  get innerSocketPath(): string {
    return this.#container.innerSocketPath;
  }

  /** What reaches it there from this machine; empty while it does not listen. */
  get httpSocketPath(): string {
    return this.#container.socketPath ?? '';
  }

  /** Of its first process. */
  get pid(): number {
    return this.#container.pid;
  }

  pathInside(path: string): string {
    return this.#container.pathInside(path);
  }

  showFolder(folder: string): Promise<string | undefined> {
    return this.#container.showFolder(folder);
  }

  /** Node said that it had no memory left. */
  get ranOutOfMemory(): boolean {
    return this.#ranOutOfMemory;
  }

  get use(): ContainerUse {
    return this.#container;
  }

  send(message: WorkerToRunner): void {
    this.#gang?.sending(message);
    this.#channel.send(message);
  }

  exec(options: ExecOptions): Promise<ExecProcess> {
    return this.#container.exec(options);
  }

  kill(): void {
    this.#container.kill();
  }
}
