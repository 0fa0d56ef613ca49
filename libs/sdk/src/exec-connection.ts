import {
  ConnectionError,
  encodeFrame,
  EXEC_ALIVE_MS,
  EXEC_MOST_CHUNK_BYTES,
  EXEC_SILENCE_MS,
  type ExecInput,
  type ExecOutput,
  type ExecRequest,
  fromWireError,
  type GantryError,
  NumberedFrames,
  SendWindow,
  TakenCount,
} from '@gantry/protocol';

export interface ExecConnectionOptions {
  /** WebSocket address of the container, or of the function whose container is to be made. */
  url: string;
  token: string;
  request: ExecRequest;
  /** Why the server refuses, asked over HTTP: a WebSocket does not say. Undefined if it would accept. */
  diagnose(): Promise<GantryError | undefined>;
  /** Takes a piece of output. No more than a window of them comes before the promises resolve. */
  onOutput(stream: 'stdout' | 'stderr', data: Uint8Array): Promise<void>;
}

/** How a program in a container ended: one of code and signal is set. */
export interface ExecResult {
  code: number | null;
  signal: string | null;
  /** It ended because its container did. */
  containerEnded: boolean;
}

/** A program in a container, as its client sees it. The messages and their rules are in `@gantry/protocol`. */
export class ExecConnection {
  /**
   * Resolves when the program has ended and all its output was taken.
   *
   * @throws what kept it from running; {@link ConnectionError} if the way to it was lost: it is ended then.
   */
  readonly ended: Promise<ExecResult>;
  readonly #options: ExecConnectionOptions;
  readonly #socket: WebSocket;
  readonly #frames = new NumberedFrames<ExecInput, ExecOutput>();
  readonly #window = new SendWindow();
  readonly #outputTaken = new TakenCount((bytes) => this.#send({ type: 'taken', bytes }));
  readonly #alive: ReturnType<typeof setInterval>;
  #outputs: Promise<void> = Promise.resolve();
  #heardAtMs = performance.now();
  #isOpen = false;
  /** What is to be sent once the socket is open. */
  #early: ExecInput[] = [];
  #isOver = false;
  #resolve: (result: ExecResult) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(options: ExecConnectionOptions) {
    this.#options = options;
    this.ended = new Promise((resolve, reject) => ([this.#resolve, this.#reject] = [resolve, reject]));
    this.#socket = new WebSocket(options.url, ['gantry', `bearer.${options.token}`]);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.addEventListener('open', () => {
      this.#isOpen = true;
      this.#socket.send(encodeFrame(options.request) as Uint8Array<ArrayBuffer>);
      for (const message of this.#early.splice(0)) this.#send(message);
    });
    this.#socket.addEventListener('message', (event) =>
      this.#receive(new Uint8Array(event.data as ArrayBuffer)),
    );
    this.#socket.addEventListener('close', (event) => void this.#closed(event.reason));
    // What went wrong is found out by `diagnose`; `close` follows.
    this.#socket.addEventListener('error', () => undefined);
    this.#alive = setInterval(() => this.#checkAlive(), EXEC_ALIVE_MS);
  }

  /** Sends input. Resolves when more may follow. */
  async write(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length; at += EXEC_MOST_CHUNK_BYTES) {
      const piece = data.subarray(at, at + EXEC_MOST_CHUNK_BYTES);
      this.#send({ type: 'stdin', data: piece });
      await this.#window.sent(piece.length);
    }
  }

  /** No more input comes. */
  end(): void {
    this.#send({ type: 'stdinEnd' });
  }

  resize({ columns, rows }: { columns: number; rows: number }): void {
    this.#send({ type: 'resize', columns, rows });
  }

  /** Sends a signal, such as `SIGINT`, to the program alone. */
  signal(name: string): void {
    this.#send({ type: 'signal', name });
  }

  /** Ends the program, if it has not ended. */
  close(): void {
    this.#fail(new ConnectionError('the connection was closed'));
  }

  #receive(bytes: Uint8Array): void {
    this.#heardAtMs = performance.now();
    if (this.#isOver) return;
    try {
      this.#obey(this.#frames.unwrap(bytes));
    } catch (error) {
      this.#fail(error);
    }
  }

  #obey(message: ExecOutput): void {
    switch (message.type) {
      case 'output':
        this.#outputs = this.#outputs.then(async () => {
          await this.#options.onOutput(message.stream, message.data);
          this.#outputTaken.add(message.data.length);
        });
        // Whoever cannot take output ends the program.
        this.#outputs.catch((error: unknown) => this.#fail(error));
        break;
      case 'taken':
        this.#window.taken(message.bytes);
        break;
      case 'exited':
        void this.#outputs.then(() => this.#finish(() => this.#resolve(resultOf(message))));
        break;
      case 'failed':
        void this.#outputs.then(() => this.#fail(fromWireError(message.error)));
    }
  }

  #checkAlive(): void {
    if (this.#isOpen) this.#send({ type: 'alive' });
    if (performance.now() - this.#heardAtMs < EXEC_SILENCE_MS) return;
    this.#fail(lost('the container, or the way to it, is silent'));
  }

  async #closed(reason: string): Promise<void> {
    // The last message may wait for output to be taken.
    await this.#outputs.catch(() => undefined);
    if (this.#isOver) return;
    const why = this.#isOpen ? undefined : await this.#options.diagnose();
    this.#fail(why ?? lost(`the connection to the server was lost${reason === '' ? '' : `: ${reason}`}`));
  }

  #fail(error: unknown): void {
    this.#finish(() => this.#reject(error));
  }

  #finish(settle: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#alive);
    this.#window.close();
    this.#socket.close();
    settle();
  }

  #send(message: ExecInput): void {
    if (this.#isOver) return;
    if (!this.#isOpen) this.#early.push(message);
    else if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send(this.#frames.wrap(message) as Uint8Array<ArrayBuffer>);
    }
  }
}

function resultOf({ code, signal, containerEnded }: Extract<ExecOutput, { type: 'exited' }>): ExecResult {
  return { code, signal, containerEnded };
}

function lost(message: string): ConnectionError {
  return new ConnectionError(message, { hint: 'What ran in the container is ended. Run the command again.' });
}
