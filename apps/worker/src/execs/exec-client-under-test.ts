import { randomBytes } from 'node:crypto';

import {
  NumberedFrames,
  subjects,
  type ExecInput,
  type ExecInputRelay,
  type ExecOutput,
  type ExecOutputRelay,
  type ExecRequest,
} from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';

import type { WorkerUnderTest } from '../worker-under-test.ts';

type Last = Extract<ExecOutput, { type: 'exited' | 'failed' }>;

/** What a server passes on for a client, without server and client. */
export class ExecClientUnderTest {
  readonly execId = randomBytes(8).toString('hex');
  /** Output so far, while it is taken as it comes. */
  readonly shown = { stdout: '', stderr: '' };
  /** Bytes of output that came. */
  received = 0;
  /** False keeps quiet about what was taken. */
  takes = true;
  last: Last | undefined;
  readonly #under: WorkerUnderTest;
  readonly #frames = new NumberedFrames<ExecInput, ExecOutput>();

  constructor(under: WorkerUnderTest) {
    this.#under = under;
    under.messaging.subscribe<ExecOutputRelay>(subjects.execOutput(this.execId), ({ frame }) =>
      this.#receive(this.#frames.unwrap(frame)),
    );
  }

  /** Has the worker run a program. */
  static async run(
    under: WorkerUnderTest,
    containerId: string,
    request: ExecRequest,
  ): Promise<ExecClientUnderTest> {
    const client = new ExecClientUnderTest(under);
    const { execId } = client;
    const reply = await under.command({ type: 'exec', containerId, execId, request });
    if (!reply.ok) throw new Error(reply.message);
    return client;
  }

  send(message: ExecInput): void {
    this.#relay({ frame: this.#frames.wrap(message) });
  }

  type(text: string): void {
    this.send({ type: 'stdin', data: Buffer.from(text) });
  }

  /** A message that gets lost on its way. */
  lose(message: ExecInput): void {
    this.#frames.wrap(message);
  }

  hangUp(): void {
    this.#relay({ hangup: true });
  }

  shows(text: string): Promise<unknown> {
    return waitUntil(() => this.shown.stdout.includes(text), { what: `"${text}" in ${this.shown.stdout}` });
  }

  ended(): Promise<Last> {
    return waitUntil(() => this.last, { timeoutMs: 20_000, what: 'the end of the program' });
  }

  #relay(relay: ExecInputRelay): void {
    this.#under.messaging.publish(subjects.execInput(this.execId), relay);
  }

  #receive(message: ExecOutput): void {
    if (message.type === 'exited' || message.type === 'failed') this.last = message;
    if (message.type !== 'output') return;
    this.received += message.data.length;
    if (this.received < 1024 * 1024) this.shown[message.stream] += Buffer.from(message.data).toString();
    if (this.takes) this.send({ type: 'taken', bytes: this.received });
  }
}
