import { decodeFrame, encodeFrame } from './codec.ts';
import { ConnectionError } from './errors.ts';
import { EXEC_WINDOW_BYTES, type ExecFrame } from './exec-messages.ts';

/** Numbers the frames that one side sends, and notices when some of the other's are missing (E1). */
export class NumberedFrames<TOut, TIn> {
  #sent = 0;
  #received = 0;

  wrap(message: TOut): Uint8Array {
    const frame: ExecFrame<TOut> = { seq: this.#sent++, message };
    return encodeFrame(frame);
  }

  /** @throws {@link ConnectionError} if frames before it are missing, `DeserializationError` if it is none. */
  unwrap(bytes: Uint8Array): TIn {
    const { seq, message } = decodeFrame<ExecFrame<TIn>>(bytes);
    if (seq === this.#received++) return message;
    throw new ConnectionError('the connection to the container lost a part of what was sent', {
      hint: 'Run the command again.',
    });
  }
}

/** Keeps what one side has under way within the window (E2). */
export class SendWindow {
  #sent = 0;
  #taken = 0;
  #isClosed = false;
  #wake: () => void = () => undefined;

  /** Counts bytes that are sent now. Resolves when more may follow. */
  async sent(bytes: number): Promise<void> {
    this.#sent += bytes;
    while (!this.#isClosed && this.#sent - this.#taken >= EXEC_WINDOW_BYTES) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The other side has taken so much in all. */
  taken(bytes: number): void {
    this.#taken = Math.max(this.#taken, bytes);
    this.#wake();
  }

  /** Lets whoever waits go on: nobody takes anything any more. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }
}

/** Tells the other side how much was taken, now and then. */
export class TakenCount {
  readonly #tell: (bytes: number) => void;
  #taken = 0;
  #told = 0;

  constructor(tell: (bytes: number) => void) {
    this.#tell = tell;
  }

  add(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken - this.#told < EXEC_WINDOW_BYTES / 4) return;
    this.#told = this.#taken;
    this.#tell(this.#taken);
  }
}
