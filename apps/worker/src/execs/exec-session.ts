import { setTimeout as delay } from 'node:timers/promises';

import type { ExecEnd, ExecProcess } from '@gantry/containers';
import type { Messaging } from '@gantry/messaging';
import {
  ConnectionError,
  EXEC_ALIVE_MS,
  EXEC_MOST_CHUNK_BYTES,
  EXEC_SILENCE_MS,
  EXEC_WINDOW_BYTES,
  InvalidError,
  NumberedFrames,
  SendWindow,
  subjects,
  TakenCount,
  toWireError,
  type ExecInput,
  type ExecInputRelay,
  type ExecOutput,
  type ExecOutputRelay,
} from '@gantry/protocol';

import { outputOf } from './program-output.ts';

/** What shells say of a program that SIGKILL ended. */
const KILLED_CODE = 137;
const END_TOLD_WITHIN_MS = 1_000;

export interface ExecSessionOptions {
  execId: string;
  messaging: Pick<Messaging, 'publish' | 'subscribe'>;
  /** Starts the program. */
  open(): Promise<ExecProcess>;
  /** Resolves when its container is gone. */
  containerEnded: Promise<void>;
}

/** One program in a container on behalf of a client. The messages and their rules are in `@gantry/protocol`. */
export class ExecSession {
  readonly #options: ExecSessionOptions;
  readonly #frames = new NumberedFrames<ExecOutput, ExecInput>();
  readonly #window = new SendWindow();
  readonly #inputTaken = new TakenCount((bytes) => this.#send({ type: 'taken', bytes }));
  readonly #gone = new AbortController();
  /** What came before the program ran. */
  #early: ExecInput[] = [];
  #inputUnderWay = 0;
  #process: ExecProcess | undefined;
  #heardAtMs = performance.now();
  #isOver = false;

  constructor(options: ExecSessionOptions) {
    this.#options = options;
  }

  /** Runs the program to its end, or that of its client. Never rejects. */
  async run(): Promise<void> {
    const { execId, messaging } = this.#options;
    const input = messaging.subscribe<ExecInputRelay>(subjects.execInput(execId), (relay) => {
      if ('hangup' in relay) this.#hangUp(new ConnectionError('the client has gone'));
      else this.#receive(relay.frame);
    });
    const alive = setInterval(() => this.#checkAlive(), EXEC_ALIVE_MS);
    try {
      const last = await this.#runProgram();
      this.#send(last, true);
    } catch (error) {
      this.#send({ type: 'failed', error: toWireError(error) }, true);
    } finally {
      clearInterval(alive);
      input.stop();
    }
  }

  async #runProgram(): Promise<ExecOutput> {
    const process = await this.#options.open();
    this.#process = process;
    this.#gone.signal.addEventListener('abort', () => process.kill());
    if (this.#gone.signal.aborted) process.kill();
    this.#send({ type: 'started' });
    for (const message of this.#early) this.#obey(message, process);
    this.#early = [];
    await Promise.all([this.#pump('stdout', process), this.#pump('stderr', process)]);
    const end = await process.exited;
    if (this.#gone.signal.aborted) throw this.#gone.signal.reason;
    return { type: 'exited', ...end, containerEnded: await this.#hasContainerEnded(end) };
  }

  // Of a container that ends, its programs may be told a moment before itself.
  async #hasContainerEnded({ code, signal }: ExecEnd): Promise<boolean> {
    const wasKilled = signal === 'SIGKILL' || code === KILLED_CODE;
    const waitMs = wasKilled ? END_TOLD_WITHIN_MS : 0;
    const ended = this.#options.containerEnded.then(() => true);
    return await Promise.race([ended, delay(waitMs, false, { ref: false })]);
  }

  async #pump(name: 'stdout' | 'stderr', process: ExecProcess): Promise<void> {
    for await (const chunk of outputOf(process[name], process.exited)) {
      for (let at = 0; at < chunk.length; at += EXEC_MOST_CHUNK_BYTES) {
        const data = chunk.subarray(at, at + EXEC_MOST_CHUNK_BYTES);
        this.#send({ type: 'output', stream: name, data });
        await this.#window.sent(data.length);
      }
    }
  }

  #receive(frame: Uint8Array): void {
    this.#heardAtMs = performance.now();
    if (this.#isOver) return;
    try {
      const message = this.#frames.unwrap(frame);
      if (message.type === 'taken') this.#window.taken(message.bytes);
      else if (this.#process) this.#obey(message, this.#process);
      else if (message.type !== 'alive') this.#early.push(message);
      if (message.type === 'stdin') this.#countInput(message.data.length);
    } catch (error) {
      this.#hangUp(error);
    }
  }

  #obey(message: ExecInput, process: ExecProcess): void {
    switch (message.type) {
      case 'stdin':
        // What a program does not read any more is taken, too.
        process.stdin.write(message.data, () => {
          this.#inputUnderWay -= message.data.length;
          this.#inputTaken.add(message.data.length);
        });
        break;
      case 'stdinEnd':
        process.stdin.end();
        break;
      case 'resize':
        process.resize(message);
        break;
      case 'signal':
        process.signal(message.name as NodeJS.Signals);
    }
  }

  #countInput(bytes: number): void {
    this.#inputUnderWay += bytes;
    if (this.#inputUnderWay <= EXEC_WINDOW_BYTES + EXEC_MOST_CHUNK_BYTES) return;
    this.#hangUp(new InvalidError('the client sends more than the program takes'));
  }

  #checkAlive(): void {
    this.#send({ type: 'alive' });
    if (performance.now() - this.#heardAtMs < EXEC_SILENCE_MS) return;
    this.#hangUp(new ConnectionError('the client is silent'));
  }

  #hangUp(reason: unknown): void {
    this.#window.close();
    this.#gone.abort(reason);
  }

  #send(message: ExecOutput, last = false): void {
    // Nothing follows the last one.
    if (this.#isOver) return;
    this.#isOver = last;
    const { execId, messaging } = this.#options;
    const relay: ExecOutputRelay = { frame: this.#frames.wrap(message), last };
    messaging.publish(subjects.execOutput(execId), relay);
  }
}
