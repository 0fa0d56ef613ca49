import { randomBytes } from 'node:crypto';
import { closeSync, constants, mkdirSync, openSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';

import { runTool } from './runc/run-tool.ts';

/** Made by one program: its start costs more than they do. */
const BATCH = 32;

/** A pipe to which a child of this process writes. */
export interface ChildPipe {
  /** The other end, to be read. */
  ours: Socket;
  /** A file descriptor, to be closed when the child has it. */
  theirs: number;
}

/** Standard output and error of a child. */
export type OutputPipes = readonly [stdout: ChildPipe, stderr: ChildPipe];

/** File descriptors. */
interface OpenPipe {
  reader: number;
  writer: number;
}

/** Leaves the ends of a child to it. */
export function handOver(pipes: readonly ChildPipe[]): void {
  for (const { theirs } of pipes) closeSync(theirs);
}

/**
 * Pipes for what children write. Node gives them sockets, which programs cannot open again: in a container
 * `/dev/stdout` and `/dev/stderr` would not work, to which many images write their logs. Not for what they read: once
 * nobody writes any more, opening such a pipe again would wait for ever.
 */
export class Pipes {
  readonly #folder: string;
  readonly #open: OpenPipe[] = [];
  #making: Promise<void> | undefined;

  /** @param folder - Where pipes have a name for a moment, which children can see later, too. */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  async outputs(): Promise<OutputPipes> {
    return Promise.all([this.#output(), this.#output()]);
  }

  close(): void {
    for (const pipe of this.#open.splice(0)) for (const fd of Object.values(pipe)) closeSync(fd as number);
  }

  async #output(): Promise<ChildPipe> {
    const { reader, writer } = await this.#take();
    return { ours: new Socket({ fd: reader, readable: true, writable: false }), theirs: writer };
  }

  async #take(): Promise<OpenPipe> {
    for (;;) {
      const pipe = this.#open.pop();
      if (pipe) return pipe;
      this.#making ??= this.#make().finally(() => (this.#making = undefined));
      await this.#making;
    }
  }

  /** Node makes no pipes by itself. */
  async #make(): Promise<void> {
    const paths = Array.from({ length: BATCH }, () => join(this.#folder, randomBytes(8).toString('hex')));
    // Whoever the program in the container is, it may open what it writes to.
    await runTool('mkfifo', ['--mode=0666', ...paths]);
    for (const path of paths) {
      // The reader first, and at once: whoever opens a pipe waits for the other side, else.
      const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const writer = openSync(path, constants.O_WRONLY);
      unlinkSync(path);
      this.#open.push({ reader, writer });
    }
  }
}
