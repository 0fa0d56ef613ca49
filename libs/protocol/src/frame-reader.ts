import { decodeFrame } from './codec.ts';
import { DeserializationError } from './errors.ts';

/** Before each frame of a stream: its length, big-endian. */
export const FRAME_HEADER_BYTES = 4;

export interface FrameReaderOptions<TBytes extends Uint8Array> {
  /** Whoever announces a longer frame does not speak this. */
  mostBytes: number;
  /**
   * Joins pieces of a frame. Into bytes of the kind that the pieces are: bytes inside of messages are of that kind, too.
   */
  join(pieces: readonly TBytes[]): TBytes;
}

/**
 * Finds the messages in a stream of bytes: frames of a 4-byte big-endian length and an array of messages, as
 * `encodeFrame` makes it, however they are cut into pieces.
 *
 * @example
 * ```ts
 * const reader = new FrameReader<Message, Buffer>({ mostBytes: 1024, join: (pieces) => Buffer.concat(pieces) });
 * socket.on('data', (piece) => reader.read(piece, (message) => { … }));
 * ```
 */
export class FrameReader<TMessage, TBytes extends Uint8Array> {
  readonly #options: FrameReaderOptions<TBytes>;
  #pieces: TBytes[] = [];
  #receivedBytes = 0;
  #awaitedBytes = FRAME_HEADER_BYTES;

  constructor(options: FrameReaderOptions<TBytes>) {
    this.#options = options;
  }

  /**
   * Takes the next piece, and hands over the messages of the frames that end in it. Messages may share its memory.
   *
   * @throws {@link DeserializationError} for what is no frame; nothing more is to be read then.
   */
  read(piece: TBytes, onMessage: (message: TMessage) => void): void {
    this.#pieces.push(piece);
    this.#receivedBytes += piece.length;
    // A large frame comes in many pieces: they are joined once, when the last one is here.
    if (this.#receivedBytes < this.#awaitedBytes) return;
    const data = this.#pieces.length === 1 ? piece : this.#options.join(this.#pieces);
    let at = 0;
    this.#awaitedBytes = FRAME_HEADER_BYTES;
    while (data.length - at >= FRAME_HEADER_BYTES) {
      const end = at + FRAME_HEADER_BYTES + this.#lengthAt(data, at);
      if (end > data.length) {
        this.#awaitedBytes = end - at;
        break;
      }
      for (const message of messagesIn<TMessage>(data.subarray(at + FRAME_HEADER_BYTES, end)))
        onMessage(message);
      at = end;
    }
    this.#pieces = at < data.length ? [data.subarray(at) as TBytes] : [];
    this.#receivedBytes = data.length - at;
  }

  #lengthAt(data: TBytes, at: number): number {
    const byte = (offset: number): number => data[at + offset] as number;
    const length = byte(0) * 2 ** 24 + ((byte(1) << 16) | (byte(2) << 8) | byte(3));
    if (length > this.#options.mostBytes)
      throw new DeserializationError(`a frame of ${length} bytes is too long`);
    return length;
  }
}

function messagesIn<TMessage>(body: Uint8Array): TMessage[] {
  const messages = decodeFrame<TMessage[]>(body);
  if (!Array.isArray(messages)) throw new DeserializationError('a frame is no list of messages');
  return messages;
}
