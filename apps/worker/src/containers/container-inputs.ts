import {
  LIMITS,
  NotFoundError,
  toWireError,
  type ContainerExit,
  type Outcome,
  type RunnerToWorker,
  type WorkerToRunner,
} from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

import type { Clock } from '../clock.ts';
import type { AssignedInput } from '../inputs/assigned-input.ts';
import { isCrash } from '../inputs/crash-error.ts';
import type { CrashedInputs } from '../inputs/crashed-inputs.ts';
import type { InputSettlement, InputSite } from '../inputs/input-settlement.ts';
import type { InputWatch } from '../inputs/input-watch.ts';
import type { Payloads } from '../inputs/payloads.ts';
import type { ValueStreams } from '../inputs/value-streams.ts';
import type { ContainerVolumes } from '../volumes/container-volumes.ts';
import { InputBatches } from './input-batches.ts';
import { Isolation } from './isolation.ts';

const ABORT_GRACE_MS = 1_000;
/** Between attempts to read arguments from a blob store that fails. */
const ARGUMENTS_RETRY_MS = 1_000;
/** Longer than the runner's heartbeat: code that leaves the event loop alone gives a sign within it. */
const CANCEL_GRACE_MS = 3_000;
const LINGER_CHECK_MS = 1_000;

/** What the inputs of a container need from the worker. */
export interface InputSurroundings {
  watch: Pick<InputWatch, 'holdsLease' | 'releaseIfDone'>;
  settlement: Pick<InputSettlement, 'finished' | 'timedOut' | 'cancel' | 'crashed' | 'giveBack'>;
  payloads: Payloads;
  streams: ValueStreams;
  crashes: CrashedInputs;
  clock: Clock;
  log: Logger;
  /** Told of each that its code gets. */
  handOn?: ((input: AssignedInput) => void) | undefined;
}

export interface ContainerInputsOptions extends InputSurroundings {
  site: InputSite;
  timeoutMs: number;
  send(message: WorkerToRunner): void;
  /** A place was taken, or got free. */
  onChange(freed: boolean): void;
  /** Places disappeared without an input that took them. */
  onPlacesLost(): void;
  /** An input ignored its abort: only the end of the container ends it. */
  onStuck(input: AssignedInput, reason: 'cancelled' | 'timeout'): void;
  /** Of the container, if it has some. */
  volumes?: Pick<ContainerVolumes, 'commit' | 'fence' | 'freshen' | 'isShared'> | undefined;
  /** True while web requests run in the container. */
  isServing(): boolean;
  /** When the container's event loop last gave a sign of life, by the monotonic clock. */
  lastSignMs(): number | undefined;
}

/**
 * The inputs that run in one container.
 *
 * Invariants
 *   C1. An input occupies a place until its code has ended, also when it was settled before.
 *   C2. When the container has ended, each of its inputs is settled: by timeout, as crashed, or by giving it back.
 *   C4. Where there are volumes, what comes after an input that ended without a value finds there what it wrote; in network
 *       file systems what comes after any.
 *   C3. An input under which containers crashed before runs alone: what comes before it ends first, and no other
 *       input comes until it has ended.
 */
export class ContainerInputs {
  readonly #options: ContainerInputsOptions;
  readonly #inputs = new Map<string, AssignedInput>();
  /** Set where inputs run in batches. */
  readonly #batches: InputBatches | undefined;
  readonly #isolation = new Isolation((input) => {
    this.#begin(input);
    this.flush();
  });

  constructor(options: ContainerInputsOptions) {
    this.#options = options;
    const { batching } = options.site.spec.options;
    if (!batching) return;
    this.#batches = new InputBatches({
      batching,
      run: (inputs) => void this.#runBatch(inputs),
      onShort: () => options.onPlacesLost(),
    });
  }

  /** Inputs in a batch that waits for more. */
  get forming(): number {
    return this.#batches?.forming ?? 0;
  }

  /** True while an input runs alone, or waits until it can. */
  get isolates(): boolean {
    return this.#isolation.isOn;
  }

  /** Inputs that fit now, if all that is not an input leaves `places` places. */
  free(places: number): number {
    if (this.isolates) return 0;
    return this.#batches ? this.#batches.free(places) : Math.max(0, places - this.count);
  }

  /** No more inputs will come: a batch that waits for them runs now. */
  flush(): void {
    this.#batches?.flush();
  }

  /** Nothing more may begin: what waits runs now, or elsewhere. */
  drain(): void {
    this.flush();
    for (const input of [...this.#inputs.values()]) if (!this.#hasBegun(input)) this.#giveBack(input);
  }

  get count(): number {
    return this.#inputs.size;
  }

  /** True while none of them can run elsewhere. */
  get holdsLeases(): boolean {
    const { watch } = this.#options;
    return [...this.#inputs.values()].every((input) => input.phase === 'settled' || watch.holdsLease(input));
  }

  has(input: AssignedInput): boolean {
    return this.#inputs.get(input.message.inputId) === input;
  }

  run(input: AssignedInput): void {
    const { onChange, crashes } = this.#options;
    input.phase = 'running';
    input.occupying = true;
    this.#inputs.set(input.message.inputId, input);
    onChange(false);
    if (crashes.count(input.message.inputId) < LIMITS.crashesBeforeAlone) this.#begin(input);
    else this.#isolate(input);
  }

  #isolate(input: AssignedInput): void {
    this.flush();
    this.#isolation.take(input, this.count - 1);
    this.#options.onPlacesLost();
  }

  #begin(input: AssignedInput): void {
    const { payloads, streams, send } = this.#options;
    if (this.#batches) return this.#batches.add(input);
    this.#startClock(input);
    if (input.message.stream) input.stream = streams.open(input, send);
    const { args } = input.message;
    const prepared = this.#prepared([input]);
    if (args instanceof Uint8Array && !prepared) return this.#hand(input, args);
    Promise.all([args instanceof Uint8Array ? args : payloads.fetch(args), prepared]).then(
      ([bytes]) => this.#hand(input, bytes),
      (err: unknown) => this.#argumentsMissing(input, err),
    );
  }

  /** What is to be done about volumes before inputs run; undefined for nothing. */
  #prepared(inputs: readonly AssignedInput[]): Promise<void> | undefined {
    const { volumes } = this.#options;
    // Whoever had an input that comes again may still write.
    const fenced = inputs.some(({ delivery }) => delivery.deliveries > 1) ? volumes?.fence() : undefined;
    if (!volumes?.isShared || this.count > inputs.length) return fenced;
    return Promise.resolve(fenced).then(() => volumes.freshen());
  }

  #startClock(input: AssignedInput): void {
    const { clock, timeoutMs } = this.#options;
    input.startedAtMs = clock.wallMs();
    input.deadlineMs = clock.monotonicMs() + timeoutMs;
  }

  async #runBatch(inputs: readonly AssignedInput[]): Promise<void> {
    const { payloads, site, send } = this.#options;
    const members = inputs.map((input) => {
      this.#startClock(input);
      const { args } = input.message;
      return { input, args: args instanceof Uint8Array ? args : undefined };
    });
    const prepared = this.#prepared(inputs);
    const fetches = members.map(async (member) => {
      const { args } = member.input.message;
      if (args instanceof Uint8Array && !prepared) return;
      try {
        await prepared;
        member.args ??= await payloads.fetch(args as Exclude<typeof args, Uint8Array>);
      } catch (err) {
        this.#argumentsMissing(member.input, err);
      }
    });
    // A batch without blobs is handed over in the turn in which it closed.
    if (prepared || members.some(({ args }) => !args)) await Promise.all(fetches);
    const ready = members.flatMap(({ input, args }) => {
      if (!args || !this.has(input)) return [];
      if (input.phase === 'settled' || input.ending === 'preempted') {
        this.#giveBack(input);
        return [];
      }
      const { inputId, callId, attempt } = input.message;
      return [{ inputId, callId, args, attempt }];
    });
    const [first] = inputs;
    if (ready.length === 0 || !first) return;
    const { method } = first.message;
    const spec = site.spec.methods.find(({ name }) => name === method);
    const lists = spec?.params.filter(({ rest }) => !rest).length ?? 0;
    send({ type: 'runBatch', method, lists, inputs: ready });
  }

  /** The code of an input, a generator, yielded a value. */
  yielded({ inputId, seq, value }: Extract<RunnerToWorker, { type: 'value' }>): void {
    const input = this.#inputs.get(inputId);
    if (input?.phase === 'running') input.stream?.add(seq, value);
  }

  /** The code of an input has ended. */
  finished(message: Extract<RunnerToWorker, { type: 'output' }>): void {
    const input = this.#inputs.get(message.inputId);
    if (!input) return;
    this.#leave(input);
    const { volumes } = this.#options;
    if (!volumes || (message.outcome.type === 'value' && !volumes.isShared))
      return this.#settle(input, message);
    void volumes.commit().then(() => this.#settle(input, message));
  }

  #settle(input: AssignedInput, message: Extract<RunnerToWorker, { type: 'output' }>): void {
    const { settlement, site } = this.#options;
    const outcome: Outcome = message.outcome;
    // A value that came within the grace counts; an error is most likely the abort itself.
    if (input.ending === 'timeout' && outcome.type !== 'value') settlement.timedOut(input, site);
    else if (input.ending === 'preempted' && outcome.type !== 'value') settlement.giveBack(input);
    else settlement.finished(input, site, { outcome, times: message });
  }

  /** Ends one input at the wish of its caller, who does not wait for the code to obey. */
  cancel(input: AssignedInput): void {
    if (!this.has(input)) return;
    if (!this.#hasBegun(input)) this.#leave(input);
    else this.#abort(input, 'cancelled');
    input.deadlineMs = Math.min(input.deadlineMs, this.#options.clock.monotonicMs() + CANCEL_GRACE_MS);
    this.#options.settlement.cancel(input, this.#options.site);
  }

  /** An input is over its time: it is told so; if that does not help, it is stuck. */
  overdue(input: AssignedInput, nowMs: number): void {
    if (input.ending === 'cancelled') return this.#cancelOverdue(input, nowMs);
    if (input.ending !== 'timeout') {
      this.#abort(input, 'timeout');
      input.deadlineMs = nowMs + ABORT_GRACE_MS;
      return;
    }
    input.deadlineMs = Number.POSITIVE_INFINITY;
    // With volumes, when its container has ended and committed.
    if (!this.#options.volumes) this.#options.settlement.timedOut(input, this.#options.site);
    this.#options.onStuck(input, 'timeout');
  }

  /** The container is preempted: what has not begun goes elsewhere at once, the rest when its code has ended. */
  preempt(): void {
    for (const input of [...this.#inputs.values()]) {
      input.ending ??= 'preempted';
      if (!this.#hasBegun(input)) this.#giveBack(input);
    }
  }

  /** The container has ended. True if an input is failed for it. */
  orphan(exit: ContainerExit): boolean {
    const inputs = [...this.#inputs.values()];
    const begun = new Set(inputs.filter((input) => this.#hasBegun(input)));
    this.#inputs.clear();
    this.#batches?.clear();
    const { reason } = exit;
    const wasAlone = begun.size === 1;
    const { settlement, watch, site } = this.#options;
    let isFailed = false;
    for (const input of inputs) {
      input.occupying = false;
      if (input.phase === 'settled') watch.releaseIfDone(input);
      else if (input.ending === 'timeout') settlement.timedOut(input, site);
      else if (isCrash(reason) && begun.has(input)) {
        const crash = { reason, message: exit.message ?? reason, wasAlone };
        isFailed = settlement.crashed(input, site, crash) || isFailed;
      } else settlement.giveBack(input);
    }
    return isFailed;
  }

  // Code that runs on without a pause hears no signal, and its container hears nothing else. Code that only waits, and
  // ignores the signal, disturbs nobody: its container ends when nobody wants anything else of it, or its time is over.
  #cancelOverdue(input: AssignedInput, nowMs: number): void {
    const { lastSignMs, onStuck, timeoutMs } = this.#options;
    const isSilent = nowMs - (lastSignMs() ?? nowMs) >= CANCEL_GRACE_MS - 100;
    const isOver = input.lingersUntilMs === undefined ? isSilent : nowMs >= input.lingersUntilMs;
    if (isOver || !this.#isWanted()) {
      input.deadlineMs = Number.POSITIVE_INFINITY;
      return onStuck(input, 'cancelled');
    }
    input.lingersUntilMs ??= nowMs + timeoutMs;
    input.deadlineMs = Math.min(nowMs + LINGER_CHECK_MS, input.lingersUntilMs);
  }

  #isWanted(): boolean {
    return this.#options.isServing() || [...this.#inputs.values()].some(({ phase }) => phase !== 'settled');
  }

  #hand(input: AssignedInput, args: Uint8Array): void {
    // Cancelled, or the container ended, while the arguments were fetched.
    if (!this.has(input)) return;
    if (input.phase === 'settled') return this.#leave(input);
    if (input.ending === 'preempted') return this.#giveBack(input);
    const { inputId, callId, method, attempt, stream } = input.message;
    this.#options.handOn?.(input);
    this.#options.send({ type: 'run', inputId, callId, method, args, attempt, ...(stream && { stream }) });
  }

  #argumentsMissing(input: AssignedInput, err: unknown): void {
    const { settlement, log, clock, site } = this.#options;
    const { inputId } = input.message;
    log.warn({ err, inputId }, 'the arguments of an input could not be read');
    if (!this.has(input)) return;
    if (!(err instanceof NotFoundError)) {
      // The store may be back in a moment; given back at once, the input would come straight here again.
      setTimeout(() => this.#giveBack(input), ARGUMENTS_RETRY_MS);
      return;
    }
    const nowMs = clock.wallMs();
    const failure = toWireError(
      new NotFoundError(`the arguments of input "${inputId}" are not in the blob store: ${err.message}`, {
        hint: 'Upload arguments as a blob before the input is submitted.',
      }),
    );
    this.#leave(input);
    const times = { startedAtMs: nowMs, finishedAtMs: nowMs };
    settlement.finished(input, site, { outcome: { type: 'failure', failure }, times });
  }

  #giveBack(input: AssignedInput): void {
    if (!this.has(input)) return;
    this.#leave(input);
    this.#options.settlement.giveBack(input);
  }

  #hasBegun(input: AssignedInput): boolean {
    return !this.#isolation.waits(input) && this.#batches?.isForming(input) !== true;
  }

  #leave(input: AssignedInput): void {
    this.#inputs.delete(input.message.inputId);
    this.#batches?.leave(input);
    this.#isolation.leave(input);
    input.occupying = false;
    this.#options.watch.releaseIfDone(input);
    this.#isolation.beginIfAlone(this.count - 1);
    this.#options.onChange(true);
  }

  #abort(input: AssignedInput, reason: 'cancelled' | 'timeout'): void {
    input.ending = reason;
    this.#options.send({ type: 'abort', inputId: input.message.inputId, reason });
  }
}
