import type { Socket } from 'node:net';

import { encodeFrame, FRAME_HEADER_BYTES, FrameReader } from '@gantry/protocol';

/** Whoever announces more does not speak this. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/**
 * Messages over a socket of this machine: frames of a 4-byte length and several messages, all of one turn of the event loop.
 * One frame for each one that came leaves earlier, with what is sent for the same reason (see the runner's `FrameChannel`).
 */
export class NearChannel<TIn, TOut> {
  readonly #socket: Socket;
  #outgoing: TOut[] = [];
  /** A frame came since the last one that left early. */
  #mayHurry = false;
  readonly #flushNow = (): void => this.#flush();

  constructor(socket: Socket, onMessage: (message: TIn) => void) {
    this.#socket = socket;
    const reader = new FrameReader<TIn, Buffer>({
      mostBytes: MAX_FRAME_BYTES,
      join: (pieces) => Buffer.concat(pieces),
    });
    socket.on('data', (chunk: Buffer) => {
      this.#mayHurry = true;
      try {
        reader.read(chunk, onMessage);
      } catch {
        socket.destroy();
      }
    });
    // It closes next.
    socket.on('error', () => undefined);
  }

  send(message: TOut): void {
    const count = this.#outgoing.push(message);
    if (this.#mayHurry) {
      this.#mayHurry = false;
      process.nextTick(this.#flushNow);
    } else if (count === 1) setImmediate(this.#flushNow);
  }

  #flush(): void {
    // Sent early, in the meantime.
    if (this.#outgoing.length === 0) return;
    const body = encodeFrame(this.#outgoing);
    this.#outgoing = [];
    if (!this.#socket.writable) return;
    const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + body.length);
    frame.writeUInt32BE(body.length, 0);
    frame.set(body, FRAME_HEADER_BYTES);
    this.#socket.write(frame);
  }
}
