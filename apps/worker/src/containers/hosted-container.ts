import type { ContainerEnd, ContainerUse, ExecProcess } from '@gantry/containers';
import {
  ContainerError,
  DEFAULTS,
  type ContainerExit,
  type ContainerStatus,
  type ExecRequest,
  type FunctionRecord,
  type FunctionSpec,
  type Outcome,
  type RunnerToWorker,
  type WorkerToRunner,
} from '@gantry/protocol';

import { ExecDoor } from '../execs/exec-door.ts';
import type { ExecHost } from '../execs/execs.ts';
import type { AssignedInput } from '../inputs/assigned-input.ts';
import type { InputTaker } from '../inputs/pool-feed.ts';
import { ContainerVolumes } from '../volumes/container-volumes.ts';
import { CodeCalls } from './code-calls.ts';
import { ContainerHistory } from './container-history.ts';
import { ContainerInputs } from './container-inputs.ts';
import { ContainerLaunch } from './container-launch.ts';
import { ContainerPlaces } from './container-places.ts';
import { ContainerProcess } from './container-process.ts';
import type { ContainerSurroundings } from './container-surroundings.ts';
import type { ContainerTunnels } from './container-tunnels.ts';
import { Ending } from './ending.ts';
import { reportedEnd, startFailure, stuckReason, volumesLost } from './explain-end.ts';
import type { Heartbeating } from './heartbeat-check.ts';
import { identityOf, type ContainerOrder } from './load-message.ts';
import type { Remembering } from './memory-check.ts';
import { SignsOfLife } from './signs-of-life.ts';
import { limitsOf } from './start-options.ts';

/**
 * One container of this worker, from the order to start it until its process is gone.
 *
 * Invariants
 *   H1. `starting` → `ready` → `draining` → `stopped`; steps may be left out, never back.
 */
export class HostedContainer implements InputTaker, Heartbeating, Remembering, ExecHost {
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  readonly #order: ContainerOrder;
  readonly #around: ContainerSurroundings;
  readonly #inputs: ContainerInputs;
  readonly #history: ContainerHistory;
  readonly #timeoutMs: number;
  readonly #places: ContainerPlaces;
  /** Why it takes no more inputs, while it finishes those it has. */
  #exhaustedBy: string | undefined;
  #state: ContainerStatus['state'] = 'starting';
  #process: ContainerProcess | undefined;
  readonly #onLost = (reason: string): void => this.kill('preempted', reason);
  readonly #door = new ExecDoor();
  readonly #calls: CodeCalls;
  readonly #tunnels: ContainerTunnels;
  readonly #volumes: ContainerVolumes;
  readonly #signs: SignsOfLife;
  #exit: ContainerExit | undefined;
  readonly #ending: Ending;
  /** Its process is gone, and its volumes are committed for the last time. */
  #isEnding = false;
  #resolveEnded: () => void = () => undefined;

  constructor(order: ContainerOrder, around: ContainerSurroundings) {
    this.#order = order;
    this.#around = around;
    this.#places = new ContainerPlaces(this.spec.options);
    this.#timeoutMs = this.spec.options.timeoutMs ?? DEFAULTS.timeoutMs;
    this.#history = new ContainerHistory(around.clock);
    this.#signs = new SignsOfLife(around.clock);
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.#ending = new Ending({
      ...{ containerId: order.containerId, name: this.spec.name, log: around.containerLog },
      ...{ exitGraceMs: around.exitGraceMs, timeoutMs: this.#timeoutMs },
      kill: (reason, message) => this.kill(reason, message),
      endProcess: () => this.#process?.kill(),
    });
    const send = (message: WorkerToRunner): void => this.#send(message);
    this.#volumes = new ContainerVolumes(
      {
        ...{ containerId: order.containerId, graceMs: around.exitGraceMs, log: around.log },
        mounts: order.record.volumes ?? [],
        ...{ environment: order.record.environment, environments: around.environments },
        holdsLeases: () => this.#inputs.holdsLeases,
        onCutOff: () =>
          this.kill('preempted', 'its worker was cut off while inputs ran, which run elsewhere'),
        onLost: (error) => this.#onLost(volumesLost(error)),
        pid: () => this.#process?.pid,
        say: (text) => around.containerLog.system(`container ${this.containerId}: ${text}`),
      },
      around.volumes,
    );
    this.#tunnels = around.openTunnels(() => this.#process?.httpSocketPath ?? '');
    const tables = around.tables.of(order, async (folder) => await this.#process?.showFolder(folder));
    this.#calls = new CodeCalls(around, { volumes: this.#volumes, tunnels: this.#tunnels, tables }, send);
    this.#inputs = new ContainerInputs({
      ...around,
      site: this,
      timeoutMs: this.#timeoutMs,
      volumes: this.#volumes.isEmpty ? undefined : this.#volumes,
      send,
      onChange: (freed) => this.#loadChanged(freed),
      onPlacesLost: () => around.onPlacesLost(this),
      isServing: () => this.#places.webRunning > 0,
      lastSignMs: () => this.lastSignMs,
      onStuck: (input, reason) => this.kill(...stuckReason(input, reason, this.#timeoutMs)),
    });
  }

  get containerId(): string {
    return this.#order.containerId;
  }

  get pool(): string {
    return this.#order.pool;
  }

  get record(): FunctionRecord {
    return this.#order.record;
  }

  get spec(): FunctionSpec {
    return this.#order.record.spec;
  }

  get isShell(): boolean {
    return this.#order.isShell === true;
  }

  get running(): number {
    return this.isShell ? 1 : this.#inputs.count + this.#places.webRunning;
  }

  get freeSlots(): number {
    if (this.#state !== 'ready' || this.#exhaustedBy !== undefined || this.#isSilent) return 0;
    return this.#places.allowed(this.#inputs.free(this.#places.count - this.#places.webRunning));
  }

  /** Inputs in a batch that waits for more. */
  get forming(): number {
    return this.#inputs.forming;
  }

  /** Inputs that it can have at once; fewer when it is to end soon. */
  get maxInputs(): number {
    return this.#takesMore ? this.#places.most(this.running) : this.running;
  }

  /** What its processes take up; undefined before there are any. */
  get use(): ContainerUse | undefined {
    return this.#process?.use;
  }

  get memoryLimitMiB(): number | undefined {
    return limitsOf(this.spec.options).memoryMiB;
  }

  // What it would get now would wait for what runs in it, on the clock of its own timeout.
  get #isSilent(): boolean {
    return this.#state === 'ready' && this.#signs.areMissing;
  }

  get #takesMore(): boolean {
    return this.#exhaustedBy === undefined && !this.#inputs.isolates && !this.#isSilent;
  }

  /** When its event loop last gave a sign of life, by the monotonic clock. Code that loads is not expected to. */
  get lastSignMs(): number | undefined {
    const hasCode = this.#state === 'ready' || this.#state === 'draining';
    const isExpected = hasCode && this.#process && !this.#isEnding && !this.isShell;
    return isExpected ? this.#signs.lastMs : undefined;
  }

  get status(): ContainerStatus {
    return {
      ...identityOf(this.#order),
      state: this.#state,
      running: this.running,
      maxInputs: this.maxInputs,
      ...(this.#takesMore ? {} : { exhausted: true }),
      ...(this.#history.isProven ? { proven: true } : {}),
      ...this.#history.times,
      ...this.#history.counts,
      exit: this.#exit,
      httpSocketPath: this.#process?.httpSocketPath ?? '',
      tunnels: this.#tunnels.status,
    };
  }

  /** Starts the process and loads the code. Never rejects: a failure is the container's end. */
  async start(): Promise<void> {
    this.#ending.limitStart(this.spec.options.startupTimeoutMs ?? DEFAULTS.startupTimeoutMs);
    const launch = new ContainerLaunch(this.#order, this.#around);
    try {
      const container = await launch.start(this.#volumes.shown, this.#onLost);
      this.#process = new ContainerProcess(container, this.#around, {
        onMessage: (message) => this.#receive(message),
        onEnded: (end) => this.#end(end),
      });
      this.forgiveSilence();
      // Stopped or killed before there was a process.
      if (this.#ending.reason) this.#process.kill();
      const [message] = await Promise.all([
        launch.loadMessage(container, this.#process, this.#places.count),
        this.#volumes.open(),
      ]);
      this.#volumes.running(1);
      this.#door.open({ process: this.#process, env: message.env });
      if (this.isShell) this.#becomeReady();
      else if (this.#state === 'starting') this.#send(message);
    } catch (error) {
      launch.logFailure(error);
      this.#ending.because(startFailure(this.spec.name, error));
      this.kill('loadFailed', this.#ending.reason?.message ?? '');
      if (!this.#process) this.#end({ code: null, signal: null });
    }
  }

  /** Runs a program in it, with the environment of its code, once it has started; `ContainerError` if it ends before. */
  exec(request: ExecRequest): Promise<ExecProcess> {
    return this.#door.exec(request);
  }

  run(input: AssignedInput): void {
    this.#places.take(1);
    this.#inputs.run(input);
    this.#exhaust(this.#places.usedUpBy);
  }

  cancel(input: AssignedInput): void {
    this.#inputs.cancel(input);
  }

  inputEnded(outcome: Outcome): void {
    this.#history.inputEnded(outcome);
  }

  /** One of its inputs may run elsewhere now. */
  leaseLost(): void {
    this.#volumes.cutOff();
  }

  overdue(input: AssignedInput, nowMs: number): void {
    this.#inputs.overdue(input, nowMs);
  }

  has(input: AssignedInput): boolean {
    return this.#inputs.has(input);
  }

  /** Finishes what runs, runs exit hooks, ends. */
  stop(reason: string): void {
    if (this.#state === 'stopped' || this.#ending.isPreempted) return;
    this.#ending.stop(reason);
    if (this.#state !== 'draining') {
      this.#inputs.drain();
      this.#send({ type: 'stop', graceMs: this.#around.exitGraceMs });
      this.#close('draining');
    }
    this.#limitExit();
  }

  /** Interrupts its code, runs exit hooks, ends, all within the grace. What it does not finish runs elsewhere. */
  preempt(reason: string): void {
    if (this.#state === 'stopped' || this.#ending.isPreempted) return;
    this.#ending.preempt(reason);
    this.#inputs.preempt();
    this.#send({ type: 'preempt', graceMs: this.#around.exitGraceMs });
    this.#close('draining');
  }

  /** Ends now. Its inputs run elsewhere. */
  kill(reason: ContainerExit['reason'], message: string): void {
    if (this.#state === 'stopped') return;
    this.#ending.kill(reason, message);
    this.#close('draining');
    this.#process?.kill();
  }

  /** Counts as a sign of life: silence up to now was not its fault. */
  forgiveSilence(): void {
    const wasSilent = this.#isSilent;
    this.#signs.noted();
    if (wasSilent) this.#around.onLoadChange(true);
  }

  #send(message: WorkerToRunner): void {
    this.#process?.send(message);
  }

  #receive(message: RunnerToWorker): void {
    this.#ending.heard();
    this.forgiveSilence();
    if (message.type === 'api' || 'requestId' in message) return this.#calls.receive(message);
    switch (message.type) {
      case 'output':
        this.#history.finishedOne();
        return this.#inputs.finished(message);
      case 'value':
        return this.#inputs.yielded(message);
      case 'log':
        return this.#around.containerLog.write(message.stream, message.text, message.inputId);
      case 'web':
        return this.#webChanged(message.running);
      case 'requestPreemption':
        return this.preempt('its code simulates it');
      case 'interact':
        return this.#around.containerLog.wantTerminal(message);
      case 'stopFetching':
        return this.#exhaust('its code asked for no more inputs');
      case 'ready':
        return this.#becomeReady();
      case 'loadFailed':
        return this.#ending.loadFailed(reportedEnd(message));
      case 'crashed':
        return this.#ending.because(reportedEnd(message));
    }
  }

  #becomeReady(): void {
    this.#around.driver.prewarm();
    if (this.#state !== 'starting') return;
    this.#ending.clear();
    this.#state = 'ready';
    this.#volumes.running(this.running);
    const tookMs = this.#history.becameReady();
    this.#around.containerLog.routine(`container ${this.containerId} is ready after ${tookMs} ms`);
    this.#around.onReady(this);
    this.#around.onStateChange();
    this.#stopIfExhausted();
  }

  /** It takes no more inputs, finishes those it has, and ends. It serves until then, so it counts as a container. */
  #exhaust(reason: string | undefined): void {
    if (reason === undefined || this.#exhaustedBy !== undefined) return;
    if (this.#state === 'draining' || this.#state === 'stopped') return;
    this.#exhaustedBy = reason;
    this.#inputs.flush();
    this.#around.onPlacesLost(this);
    this.#around.onStateChange();
    this.#stopIfExhausted();
  }

  #stopIfExhausted(): void {
    if (this.#exhaustedBy === undefined || this.#state !== 'ready' || this.running > 0) return;
    this.stop(this.#exhaustedBy);
  }

  #webChanged(running: number): void {
    const freed = this.#places.webChanged(running);
    if (freed) this.#history.finishedOne();
    this.#loadChanged(freed);
    this.#exhaust(this.#places.usedUpBy);
  }

  #loadChanged(freed: boolean): void {
    this.#history.loadChanged(this.running);
    this.#volumes.running(this.running);
    if (freed) this.#limitExit();
    this.#around.onLoadChange(freed);
    if (freed) this.#stopIfExhausted();
  }

  #limitExit(): void {
    if (this.#state === 'draining' && this.running === 0) this.#ending.idle();
  }

  #close(state: 'draining' | 'stopped'): void {
    const wasOpen = this.#state === 'starting' || this.#state === 'ready';
    this.#state = state;
    if (wasOpen) this.#around.onClosing(this);
    this.#around.onStateChange();
  }

  /** The process is gone. Whatever its inputs do next must find in volumes what it wrote. */
  #end(end: ContainerEnd): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#ending.clear();
    if (this.#volumes.isEmpty) return this.#settle(end);
    this.#close('draining');
    void this.#volumes.finish().then(() => this.#settle(end));
  }

  #settle(end: ContainerEnd): void {
    this.#close('stopped');
    this.#history.ended();
    this.#calls.close();
    this.#exit = this.#ending.explain(end, this.memoryLimitMiB, this.#process?.ranOutOfMemory);
    const { reason, message = reason } = this.#exit;
    this.#places.webEnded();
    if (this.#inputs.orphan(this.#exit)) this.#exit.inputFailed = true;
    this.#around.onEnded(this);
    this.#resolveEnded();
    this.#door.close(new ContainerError(`container "${this.containerId}" has ended: ${message}`));
  }
}
