import { Duplex } from 'node:stream';

import {
  ConnectionError,
  EXEC_ALIVE_MS,
  EXEC_MOST_CHUNK_BYTES,
  EXEC_SILENCE_MS,
  NumberedFrames,
  SendWindow,
  subjects,
  TakenCount,
  type PipeMessage,
} from '@gantry/protocol';

import type { Messaging } from './messaging.ts';

export interface BytePipeOptions {
  messaging: Pick<Messaging, 'publish' | 'subscribe'>;
  pipeId: string;
  /** Which end this is. */
  side: 'gateway' | 'worker';
}

/**
 * A connection between two processes that reach each other through NATS alone: what one end writes, the other reads, at
 * the pace of its reader. Either end may be closed for itself. Ends with an error if the other end is silent for 15 s.
 */
export class BytePipe extends Duplex {
  readonly #options: BytePipeOptions;
  readonly #frames = new NumberedFrames<PipeMessage, PipeMessage>();
  readonly #window = new SendWindow();
  readonly #taken = new TakenCount((bytes) => this.#send({ type: 'taken', bytes }));
  readonly #subscription: { stop(): void };
  readonly #alive: NodeJS.Timeout;
  #heardAtMs = performance.now();
  #hasEnd = false;
  /** Bytes that wait in the buffer until they are read. */
  #unread = 0;

  constructor(options: BytePipeOptions) {
    super({ allowHalfOpen: true });
    this.#options = options;
    const { messaging, pipeId, side } = options;
    this.#subscription = messaging.subscribe<Uint8Array>(subjects.pipe(pipeId, side), (frame) =>
      this.#receive(frame),
    );
    this.#alive = setInterval(() => this.#checkAlive(), EXEC_ALIVE_MS).unref();
  }

  // As sockets have them: connections may be passed to what expects one.
  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else this.end(() => this.destroy());
  }

  override _read(): void {
    this.#taken.add(this.#unread);
    this.#unread = 0;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    void this.#sendData(chunk).then(() => done(), done);
  }

  override _final(done: () => void): void {
    this.#send({ type: 'end' });
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#send({ type: 'gone' });
    this.#window.close();
    clearInterval(this.#alive);
    this.#subscription.stop();
    done(error);
  }

  async #sendData(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length && !this.destroyed; at += EXEC_MOST_CHUNK_BYTES) {
      const data = chunk.subarray(at, at + EXEC_MOST_CHUNK_BYTES);
      this.#send({ type: 'data', data });
      await this.#window.sent(data.length);
    }
  }

  #send(message: PipeMessage): void {
    const { messaging, pipeId, side } = this.#options;
    const to = side === 'gateway' ? 'worker' : 'gateway';
    messaging.publish(subjects.pipe(pipeId, to), this.#frames.wrap(message));
  }

  #receive(frame: Uint8Array): void {
    this.#heardAtMs = performance.now();
    try {
      this.#obey(this.#frames.unwrap(frame));
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #obey(message: PipeMessage): void {
    switch (message.type) {
      case 'data':
        if (this.push(Buffer.from(message.data))) this.#taken.add(message.data.length);
        else this.#unread += message.data.length;
        break;
      case 'end':
        this.#hasEnd = true;
        this.push(null);
        break;
      case 'taken':
        this.#window.taken(message.bytes);
        break;
      case 'gone':
        this.#otherIsGone();
    }
  }

  #otherIsGone(): void {
    if (!this.#hasEnd)
      return void this.destroy(new ConnectionError('the other end of the connection broke off'));
    // What it had said is still read; what is written from now on is lost.
    this.#window.close();
    if (this.readableEnded) this.destroy();
    else this.once('end', () => this.destroy());
  }

  #checkAlive(): void {
    this.#send({ type: 'alive' });
    if (performance.now() - this.#heardAtMs < EXEC_SILENCE_MS) return;
    this.destroy(new ConnectionError('the other end of the connection is silent'));
  }
}
