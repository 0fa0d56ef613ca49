import type { Duplex } from 'node:stream';
// Not the globals: tests of user code replace those.
import { clearImmediate, setImmediate } from 'node:timers';

import { decodeFrame, encodeFrame } from '@gantry/protocol';

const HEADER_BYTES = 4;
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
 * @example
 * ```ts
 * const channel = new FrameChannel<RunnerToWorker, WorkerToRunner>(container.channel);
 * channel.listen({ onMessage: (message) => { … }, onClose: () => { … } });
 * channel.send({ type: 'stop', graceMs: 30_000 });
 * ```
 */
export class FrameChannel<TIn, TOut> {
  readonly #stream: Duplex;
  #outgoing: TOut[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  #chunks: Buffer[] = [];
  #receivedBytes = 0;
  #awaitedBytes = HEADER_BYTES;

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  /** Starts reading. */
  listen(listener: FrameListener<TIn>): void {
    let closed = false;
    const close = (): void => {
      if (closed) return;
      closed = true;
      listener.onClose();
    };
    this.#stream.on('data', (chunk: Buffer) => {
      if (closed) return;
      try {
        this.#read(chunk, listener);
      } catch {
        this.#stream.destroy();
        close();
      }
    });
    this.#stream.once('end', close);
    this.#stream.once('close', close);
    this.#stream.on('error', close);
  }

  /** Sends at the end of this turn of the event loop. */
  send(message: TOut): void {
    this.#outgoing.push(message);
    this.#scheduled ??= setImmediate(() => this.flush());
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

  #read(chunk: Buffer, listener: FrameListener<TIn>): void {
    this.#chunks.push(chunk);
    this.#receivedBytes += chunk.length;
    // A large frame comes in many chunks: they are joined once, when the last one is here.
    if (this.#receivedBytes < this.#awaitedBytes) return;
    const data = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    let at = 0;
    this.#awaitedBytes = HEADER_BYTES;
    while (data.length - at >= HEADER_BYTES) {
      const bodyBytes = data.readUInt32BE(at);
      if (bodyBytes > MAX_FRAME_BYTES) throw new RangeError('no frame');
      const end = at + HEADER_BYTES + bodyBytes;
      if (end > data.length) {
        this.#awaitedBytes = HEADER_BYTES + bodyBytes;
        break;
      }
      for (const message of decodeFrame<TIn[]>(data.subarray(at + HEADER_BYTES, end)))
        listener.onMessage(message);
      at = end;
    }
    this.#chunks = at < data.length ? [data.subarray(at)] : [];
    this.#receivedBytes = data.length - at;
  }
}

function toFrame(messages: readonly unknown[]): Buffer {
  const body = encodeFrame(messages);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  frame.writeUInt32BE(body.length, 0);
  frame.set(body, HEADER_BYTES);
  return frame;
}
