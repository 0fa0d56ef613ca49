import type { Duplex } from 'node:stream';
// Not the globals: tests of user code replace those.
import { clearImmediate, setImmediate } from 'node:timers';

import { encodeFrame, FRAME_HEADER_BYTES, FrameReader, packMessage, unpackMessage } from '@gantry/protocol';

// Those tests replace this one, too.
const nextTick = process.nextTick.bind(process);

/** Larger than any message of 100 MB; whoever announces more does not speak this protocol. */
const MAX_FRAME_BYTES = 256 * 1024 * 1024;

export interface FrameListener<TIn> {
  /** Messages of one frame are handed over one after the other, in one turn of the event loop. */
  onMessage(message: TIn): void;
  /** Called once: the other side is gone, or sent what is no frame. */
  onClose(): void;
}

/**
 * One end of the channel between a worker and a runner: frames of a 4-byte big-endian length and a CBOR array
 * of messages. What is sent in one turn of the event loop leaves as one frame, in one write.
 *
 * Invariants
 *   F1. One frame for each one that came leaves earlier: when all is done that can be done before something else happens. So
 *       an answer that is at hand, or the next question, does not wait for the turn of the event loop, and still takes with it
 *       what is sent for the same reason. More would be many small frames where many timers send something.
 *
 * @example
 * ```ts
 * const channel = new FrameChannel<RunnerToWorker, WorkerToRunner>(container.channel);
 * channel.listen({ onMessage: (message) => { … }, onClose: () => { … } });
 * channel.send({ type: 'stop', graceMs: 30_000 });
 * ```
 */
export class FrameChannel<TIn, TOut> {
  readonly #stream: Duplex;
  #outgoing: unknown[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  /** A frame came since the last one that left early. */
  #mayHurry = false;
  readonly #flushEarly = (): void => this.flush();

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  /** Starts reading. */
  listen(listener: FrameListener<TIn>): void {
    const reader = new FrameReader<TIn, Buffer>({
      mostBytes: MAX_FRAME_BYTES,
      join: (pieces) => Buffer.concat(pieces),
    });
    const onMessage = (message: TIn): void => listener.onMessage(unpackMessage(message as never) as TIn);
    let closed = false;
    const close = (): void => {
      if (closed) return;
      closed = true;
      listener.onClose();
    };
    this.#stream.on('data', (chunk: Buffer) => {
      if (closed) return;
      this.#mayHurry = true;
      try {
        reader.read(chunk, onMessage);
      } catch {
        this.#stream.destroy();
        close();
      }
    });
    this.#stream.once('end', close);
    this.#stream.once('close', close);
    this.#stream.on('error', close);
  }

  /** Sends at the end of this turn of the event loop, or earlier. */
  send(message: TOut): void {
    const count = this.#outgoing.push(packMessage(message as never));
    if (this.#mayHurry) {
      this.#mayHurry = false;
      nextTick(this.#flushEarly);
    } else if (count === 1) this.#scheduled ??= setImmediate(() => this.flush());
  }

  /** Sends what waits, now. `onWritten` is called when the system has it, or never will. */
  flush(onWritten?: () => void): void {
    if (this.#scheduled) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const frame = this.takeFrame();
    if (!frame || !this.#stream.writable) return onWritten?.();
    this.#stream.write(frame, onWritten && (() => onWritten()));
  }

  /** The frame of all that waits, taken out, or several where one would be too large; undefined if nothing waits. */
  takeFrame(): Buffer | undefined {
    if (this.#outgoing.length === 0) return undefined;
    const messages = this.#outgoing;
    this.#outgoing = [];
    const frame = toFrame(messages);
    if (frame.length <= MAX_FRAME_BYTES || messages.length === 1) return frame;
    return Buffer.concat(messages.map((message) => toFrame([message])));
  }

  /** Bytes written that the system has not taken yet. */
  get unwrittenBytes(): number {
    return this.#stream.writableLength;
  }

  close(): void {
    this.#stream.destroy();
  }
}

function toFrame(messages: readonly unknown[]): Buffer {
  const body = encodeFrame(messages);
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + body.length);
  frame.writeUInt32BE(body.length, 0);
  frame.set(body, FRAME_HEADER_BYTES);
  return frame;
}
