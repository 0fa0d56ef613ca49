import type { InputDelivery, PoolPull } from '@gantry/messaging';
import type {
  FunctionOptionsSpec,
  FunctionSpec,
  InputMessage,
  Outcome,
  OutputMessage,
} from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

import type { Clock } from '../clock.ts';
import type { AssignedInput } from './assigned-input.ts';
import { CancelledCalls } from './cancelled-calls.ts';
import { CrashedInputs } from './crashed-inputs.ts';
import { InputSettlement } from './input-settlement.ts';
import { InputWatch } from './input-watch.ts';
import { Payloads } from './payloads.ts';
import { PoolFeed, type InputTaker } from './pool-feed.ts';

/** Time that stands still until a test moves it. */
export class StillClock implements Clock {
  nowMs = 1_000_000;
  wallMs(): number {
    return this.nowMs;
  }
  monotonicMs(): number {
    return this.nowMs;
  }
}

export const silentLog: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

export function inputMessage(given: Partial<InputMessage> = {}): InputMessage {
  const args = new Uint8Array([0x80]);
  return {
    inputId: 'in-1',
    callId: 'fc-1',
    index: 0,
    functionId: 'fu-1',
    method: '',
    args,
    attempt: 0,
    ...given,
  };
}

/** A delivery that notes what was done with it. */
export class NotedDelivery implements InputDelivery {
  readonly message: InputMessage;
  readonly deliveries: number;
  readonly done: string[] = [];

  constructor(message: Partial<InputMessage> = {}, deliveries = 1) {
    this.message = inputMessage(message);
    this.deliveries = deliveries;
  }
  ack(): void {
    this.done.push('ack');
  }
  retryNow(): void {
    this.done.push('retryNow');
  }
  retryAfter(delayMs: number): void {
    this.done.push(`retryAfter ${delayMs}`);
  }
  /** Until it is set, the broker answers at once. */
  extending: Promise<void> = Promise.resolve();
  extend(): Promise<void> {
    this.done.push('extend');
    return this.extending;
  }
}

export function functionSpec(options: FunctionOptionsSpec = {}): FunctionSpec {
  const site = { file: 'a.ts', line: 1 };
  return {
    name: 'square',
    kind: 'function',
    site,
    options,
    methods: [],
    parameters: [],
    hooks: { enter: [], exit: [] },
  };
}

/** A container with places, that keeps what it is given. */
export class NotedTaker implements InputTaker {
  readonly pool = 'fu-1';
  readonly containerId: string;
  readonly spec: FunctionSpec;
  readonly taken: AssignedInput[] = [];
  readonly outcomes: Outcome['type'][] = [];
  places: number;

  constructor(containerId: string, places: number, options: FunctionOptionsSpec = {}) {
    this.containerId = containerId;
    this.places = places;
    this.spec = functionSpec(options);
  }
  get running(): number {
    return this.taken.length;
  }
  get freeSlots(): number {
    return Math.max(0, this.places - this.taken.length);
  }
  inputEnded({ type }: Outcome): void {
    this.outcomes.push(type);
  }
  run(input: AssignedInput): void {
    input.phase = 'running';
    input.occupying = true;
    this.taken.push(input);
  }
}

/** The parts that handle inputs, over a queue and a store in memory. */
export class InputBench {
  readonly clock = new StillClock();
  readonly stored: OutputMessage[] = [];
  readonly submitted: InputMessage[] = [];
  readonly blobs = new Map<string, Uint8Array>();
  readonly overdue: AssignedInput[] = [];
  readonly lost: AssignedInput[] = [];
  readonly forlorn: AssignedInput[] = [];
  readonly cancelled = new CancelledCalls(this.clock);
  readonly crashes = new CrashedInputs(this.clock, () => undefined);
  readonly watch: InputWatch;
  readonly settlement: InputSettlement;
  readonly feed: PoolFeed;
  /** Set to make storing fail. */
  storeFailure: Error | undefined;
  outstanding = 0;
  pullsOpen = 0;
  #deliver: (delivery: InputDelivery) => void = () => undefined;

  constructor() {
    const { clock, cancelled } = this;
    this.watch = new InputWatch({
      clock,
      onOverdue: (input) => this.overdue.push(input),
      onLost: (input) => this.lost.push(input),
      onForlorn: (input) => this.forlorn.push(input),
      onSweep: (nowMs) => this.feed.sweep(nowMs),
    });
    const outputs = {
      store: async (output: OutputMessage): Promise<'stored'> => {
        if (this.storeFailure) throw this.storeFailure;
        this.stored.push(output);
        return 'stored';
      },
      find: async (callId: string, index: number): Promise<OutputMessage | undefined> =>
        this.stored.find((output) => output.callId === callId && output.index === index),
    };
    const inputs = {
      submit: async (_pool: string, message: InputMessage): Promise<'stored'> => {
        this.submitted.push(message);
        return 'stored';
      },
      openPull: (_pool: string, onDelivery: (delivery: InputDelivery) => void) => this.#openPull(onDelivery),
    };
    const { watch } = this;
    const payloads = new Payloads(this.#blobStore());
    this.settlement = new InputSettlement({
      onAcknowledged: () => undefined,
      inputs,
      outputs,
      payloads,
      watch,
      cancelled,
      crashes: this.crashes,
      clock,
      log: silentLog,
    });
    const { settlement } = this;
    this.feed = new PoolFeed({
      pool: 'fu-1',
      inputs,
      outputs,
      watch,
      settlement,
      cancelled,
      clock,
      log: silentLog,
    });
  }

  deliver(message: Partial<InputMessage> = {}, deliveries = 1): NotedDelivery {
    const delivery = new NotedDelivery(message, deliveries);
    this.outstanding--;
    this.#deliver(delivery);
    return delivery;
  }

  /** Lets everything that is already resolved take its course. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  #openPull(onDelivery: (delivery: InputDelivery) => void): PoolPull {
    this.#deliver = onDelivery;
    this.pullsOpen++;
    const bench = this;
    return {
      ask: (count) => void (this.outstanding += count),
      get outstanding() {
        return bench.outstanding;
      },
      close: () => {
        this.pullsOpen--;
        this.outstanding = 0;
      },
    };
  }

  #blobStore(): ConstructorParameters<typeof Payloads>[0] {
    const { blobs } = this;
    return {
      getBytes: async (name: string) => blobs.get(name) ?? new Uint8Array(),
      putValue: async (bytes: Uint8Array) => {
        const name = `blob-${blobs.size}`;
        blobs.set(name, bytes);
        return { name, sizeBytes: bytes.length };
      },
    } as ConstructorParameters<typeof Payloads>[0];
  }
}
