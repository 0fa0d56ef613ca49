import {
  decodeValue,
  encodeValue,
  NotFoundError,
  toWireError,
  type ClientMessage,
  type FunctionLookup,
  type Outcome,
  type Payload,
  type ServerMessage,
  type SubmitMessage,
} from '@gantry/protocol';

import type { ContainerHost, CurrentInput, ForwardedPort, ForwardOptions } from './host.ts';

type Implementation = (args: unknown[], submit: SubmitMessage) => unknown;

const HOST = Symbol.for('gantry.host');

/** For tests: a platform in memory that runs each input with a plain function. */
export class FakeHost implements ContainerHost {
  readonly containerId = 'ta-0000000000000000session';
  readonly appId = 'ap-0000000000000000000000';
  readonly functionId = 'fu-0000000000000000000000';
  readonly environment = 'main';
  readonly urls = {};
  interactive = false;
  interactions = 0;
  readonly sent: ClientMessage[] = [];
  readonly functions = new Map<string, { lookup: FunctionLookup; run: Implementation }>();
  readonly volumeActs: string[] = [];
  current: CurrentInput | undefined;
  /** Largest number of inputs that ran at once. */
  peak = 0;
  lookups = 0;
  stoppedFetching = false;
  preemptionRequests = 0;
  readonly forwarded: { port: number; options: ForwardOptions; isOpen: boolean }[] = [];
  /** Of the gateway. */
  httpsPort = 443;
  #running = 0;
  #listener: (message: ServerMessage) => void = () => undefined;

  /** Makes this the host around the test, until `uninstall`. */
  install(): this {
    Object.assign(globalThis, { [HOST]: this });
    return this;
  }

  uninstall(): void {
    Reflect.deleteProperty(globalThis, HOST);
  }

  add(app: string, lookup: Partial<FunctionLookup> & { name: string }, run: Implementation): void {
    const complete: FunctionLookup = {
      functionId: `fu-${lookup.name}`,
      appId: app,
      kind: 'function',
      version: 1,
      methods: [],
      parameters: [],
      urls: {},
      ...lookup,
    };
    this.functions.set(`${app}/${lookup.name}`, { lookup: complete, run });
  }

  lookup(app: string, name: string): Promise<FunctionLookup> {
    this.lookups++;
    const found = this.functions.get(`${app}/${name}`);
    if (found) return Promise.resolve(found.lookup);
    return Promise.reject(new NotFoundError(`the app "${app}" holds no function "${name}"`));
  }

  stopFetching(): void {
    this.stoppedFetching = true;
  }

  interact(): Promise<void> {
    this.interactions++;
    return Promise.resolve();
  }

  requestPreemption(): void {
    this.preemptionRequests++;
  }

  async volume(act: 'commit' | 'reload', name: string): Promise<void> {
    this.volumeActs.push(`${act} ${name}`);
  }

  async object(): Promise<unknown> {
    throw new NotFoundError('the test has no objects');
  }

  async forward(port: number, options: ForwardOptions): Promise<ForwardedPort> {
    const forwarded = { port, options, isOpen: true };
    this.forwarded.push(forwarded);
    const tcp = options.unencrypted ? { host: 'gantry.example', port: 7_000 } : undefined;
    const close = async () => void (forwarded.isOpen = false);
    return { host: 't-abc.gantry.example', port: this.httpsPort, tcp, close };
  }

  currentInput(): CurrentInput | undefined {
    return this.current;
  }

  onMessage(listener: (message: ServerMessage) => void): void {
    this.#listener = listener;
  }

  send(message: ClientMessage): void {
    this.sent.push(message);
    if (message.type === 'submit') this.#submit(message);
    if (message.type === 'cancel') this.emit({ type: 'answer', requestId: message.requestId });
  }

  emit(message: ServerMessage): void {
    queueMicrotask(() => this.#listener(message));
  }

  submits(): SubmitMessage[] {
    return this.sent.filter((message) => message.type === 'submit');
  }

  /** Arguments of all inputs that were submitted. */
  argsSent(): unknown[] {
    return this.submits().flatMap((submit) =>
      submit.inputs.map((input) => decodeValue(input.args as Uint8Array)),
    );
  }

  #submit(submit: SubmitMessage): void {
    const known = [...this.functions.values()].find(({ lookup }) => lookup.functionId === submit.functionId);
    const inputIds = submit.inputs.map((input) => input.inputId);
    if (!known) {
      const error = toWireError(new NotFoundError(`there is no function "${submit.functionId}"`));
      return this.emit({ type: 'rejected', inputIds, error });
    }
    this.emit({ type: 'accepted', inputIds });
    for (const input of submit.inputs) void this.#run(known.run, submit, input);
  }

  async #run(
    run: Implementation,
    submit: SubmitMessage,
    input: SubmitMessage['inputs'][number],
  ): Promise<void> {
    this.#running++;
    this.peak = Math.max(this.peak, this.#running);
    const outcome = await runOutcome(() => run(decodeValue(input.args as Uint8Array) as unknown[], submit));
    this.#running--;
    const { inputId, index } = input;
    this.emit({ type: 'output', callId: submit.callId, inputId, index, outcome });
  }
}

/** For tests: how an input ends when `run` is its code. */
export async function runOutcome(run: () => unknown): Promise<Outcome> {
  try {
    return { type: 'value', value: encodeValue(await run()) satisfies Payload };
  } catch (error) {
    const stack = error instanceof Error ? error.stack : undefined;
    return { type: 'error', error: encodeValue(error), stack };
  }
}
