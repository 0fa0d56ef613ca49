import { Worker } from 'node:worker_threads';

import type { StoredBlob } from './blob-store.ts';

/** What a thread does: reads a part of an open file, and writes it to a new file. */
export interface PartOrder {
  id: number;
  fd: number;
  start: number;
  length: number;
  path: string;
}

export type PartAnswer = { id: number } & (
  { stored: StoredBlob } | { error: { message: string; code: string | undefined } }
);

interface Asked {
  order: PartOrder;
  resolve: (stored: StoredBlob) => void;
  reject: (error: Error) => void;
}

interface Thread {
  worker: Worker;
  asked: Asked | undefined;
}

export interface PartWritersOptions {
  threads: number;
  /** The most that a part has. */
  partBytes: number;
  /** Threads without work are kept for so long. */
  idleMs: number;
}

/** Its source, or what the platform's build makes of it, above the chunk that this is in. */
const PROGRAM = import.meta.url.endsWith('.ts') ? './part-writer.ts' : '../part-writer.mjs';

/**
 * Threads that copy parts of files, and say their digests: reading, hashing and writing are all theirs, and each has one
 * buffer. They are started when there is work, and end some time after the last.
 */
export class PartWriters {
  readonly #options: PartWritersOptions;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Asked[] = [];
  #lastId = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: PartWritersOptions) {
    this.#options = options;
  }

  /** What was written is not synced yet. What could not be written whole may leave a file. */
  write(order: Omit<PartOrder, 'id'>): Promise<StoredBlob> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ order: { ...order, id: ++this.#lastId }, resolve, reject });
      this.#assign();
    });
  }

  #assign(): void {
    clearTimeout(this.#idle);
    for (const thread of this.#threads) if (!thread.asked) this.#give(thread);
    while (this.#waiting.length > 0 && this.#threads.size < this.#options.threads) this.#give(this.#start());
    if ([...this.#threads].some(({ asked }) => asked)) return;
    this.#idle = setTimeout(() => this.#end(), this.#options.idleMs).unref();
  }

  #give(thread: Thread): void {
    const asked = this.#waiting.shift();
    if (!asked) return;
    thread.asked = asked;
    thread.worker.ref();
    thread.worker.postMessage(asked.order);
  }

  #start(): Thread {
    const { partBytes } = this.#options;
    const worker = new Worker(new URL(PROGRAM, import.meta.url), { workerData: { partBytes } });
    const thread: Thread = { worker, asked: undefined };
    this.#threads.add(thread);
    worker.on('message', (answer: PartAnswer) => {
      const { asked } = thread;
      thread.asked = undefined;
      // A thread without work holds no process.
      worker.unref();
      if ('stored' in answer) asked?.resolve(answer.stored);
      else asked?.reject(Object.assign(new Error(answer.error.message), { code: answer.error.code }));
      this.#assign();
    });
    worker.on('error', (error) => this.#lose(thread, error));
    worker.on('exit', (code) => this.#lose(thread, new Error(`a thread that stores files ended (${code})`)));
    return thread;
  }

  #lose(thread: Thread, error: Error): void {
    if (!this.#threads.delete(thread)) return;
    thread.asked?.reject(error);
    this.#assign();
  }

  #end(): void {
    const workers = [...this.#threads].map(({ worker }) => worker);
    this.#threads.clear();
    for (const worker of workers) void worker.terminate();
  }
}
