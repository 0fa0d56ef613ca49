import type { Socket } from 'node:net';

import { encodeFrame, FRAME_HEADER_BYTES, FrameReader } from '@gantry/protocol';

/** Whoever announces more does not speak this. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** Messages over a socket of this machine: frames of a 4-byte length and several messages, all of one turn of the event loop. */
export class NearChannel<TIn, TOut> {
  readonly #socket: Socket;
  #outgoing: TOut[] = [];

  constructor(socket: Socket, onMessage: (message: TIn) => void) {
    this.#socket = socket;
    const reader = new FrameReader<TIn, Buffer>({
      mostBytes: MAX_FRAME_BYTES,
      join: (pieces) => Buffer.concat(pieces),
    });
    socket.on('data', (chunk: Buffer) => {
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
    if (this.#outgoing.push(message) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const body = encodeFrame(this.#outgoing);
    this.#outgoing = [];
    if (!this.#socket.writable) return;
    const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
    header.writeUInt32BE(body.length, 0);
    this.#socket.write(Buffer.concat([header, body]));
  }
}
