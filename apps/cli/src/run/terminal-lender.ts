import type { Connection } from 'gantry/internal';

import type { CommandContext } from '../command.ts';
import { runInContainer, type ProgramStreams } from '../exec/run-in-container.ts';
import { reportError } from '../report-error.ts';

/** Code in a container that waits for a terminal. */
export interface TerminalRequest {
  containerId: string;
  /** What to run in the container, in a terminal; it hands that over and ends when the code is done with it. */
  command: string[];
}

export interface TerminalLenderOptions {
  connection: Connection;
  /** Ctrl-C was typed while the code had the terminal, and left what that means to the terminal. */
  onInterrupt(): void;
  /** @defaultValue those of this process */
  streams?: ProgramStreams | undefined;
}

const INTERRUPTED = 130;

/** Lends a terminal to code in containers, one after the other. */
export class TerminalLender {
  readonly #context: CommandContext;
  readonly #options: TerminalLenderOptions;
  #returned: Promise<void> = Promise.resolve();

  constructor(context: CommandContext, options: TerminalLenderOptions) {
    this.#context = context;
    this.#options = options;
  }

  readonly lend = (request: TerminalRequest): void => {
    this.#returned = this.#returned.then(() => this.#lend(request));
  };

  /** Resolves when nobody has the terminal, or waits for it. */
  get returned(): Promise<void> {
    return this.#returned;
  }

  async #lend({ containerId, command }: TerminalRequest): Promise<void> {
    const { connection, streams, onInterrupt } = this.#options;
    const path = `/v1/containers/${encodeURIComponent(containerId)}/exec`;
    try {
      const run = { connection, path, command, pty: true, streams };
      if ((await runInContainer(this.#context, run)) === INTERRUPTED) onInterrupt();
    } catch (error) {
      reportError(error, this.#context.terminal, this.#context.env);
    }
  }
}
