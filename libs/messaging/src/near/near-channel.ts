import type { Socket } from 'node:net';

import { decodeFrame, encodeFrame } from '@gantry/protocol';

const HEADER_BYTES = 4;
/** Whoever announces more does not speak this. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** Messages over a socket of this machine: frames of a 4-byte length and several messages, all of one turn of the event loop. */
export class NearChannel<TIn, TOut> {
  readonly #socket: Socket;
  #outgoing: TOut[] = [];
  #awaitedBytes = HEADER_BYTES;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;

  constructor(socket: Socket, onMessage: (message: TIn) => void) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#read(chunk, onMessage);
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
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.writeUInt32BE(body.length, 0);
    this.#socket.write(Buffer.concat([header, body]));
  }

  #read(chunk: Buffer, onMessage: (message: TIn) => void): void {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    // A large frame comes in many chunks, which are joined once.
    if (this.#waitingBytes < this.#awaitedBytes) return;
    const data = Buffer.concat(this.#waiting);
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
      for (const message of decodeFrame<TIn[]>(data.subarray(at + HEADER_BYTES, end))) onMessage(message);
      at = end;
    }
    this.#waiting = [data.subarray(at)];
    this.#waitingBytes = data.length - at;
  }
}
