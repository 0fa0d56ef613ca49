import type { ContainerEnd } from '@gantry/containers';
import type { ContainerExit } from '@gantry/protocol';

import type { ContainerLog } from '../logs/log-forwarder.ts';
import { Deadline } from './deadline.ts';
import { describeEnd, explainEnd, type EndReason } from './explain-end.ts';

const LOAD_FAILED_GRACE_MS = 2_000;

export interface EndingOptions {
  containerId: string;
  /** Of the function. */
  name: string;
  log: Pick<ContainerLog, 'routine' | 'system' | 'masked' | 'end'>;
  /** For exit hooks, and for code that is preempted. */
  exitGraceMs: number;
  /** Of an input: so long a container that stops may go on with what it has. */
  timeoutMs: number;
  /** Ends the container, which did not end in time. */
  kill(reason: ContainerExit['reason'], message: string): void;
  /** Ends its process, whose code has failed already. */
  endProcess(): void;
}

/**
 * Why a container ends, what limits how long it takes, and what its log says of that. One limit holds at a time: that of
 * its present state.
 *
 * Invariants
 *   E1. The first reason given is the one that is reported.
 *   E2. What is preempted has its grace once: nothing that comes after prolongs it.
 */
export class Ending {
  readonly #options: EndingOptions;
  readonly #deadline = new Deadline();
  #reason: EndReason | undefined;
  #wasHeard = false;
  #isPreempted = false;
  #isStopped = false;
  #isKilled = false;
  #exitGraceRuns = false;

  constructor(options: EndingOptions) {
    this.#options = options;
  }

  /** Undefined as long as nobody wants it to end. */
  get reason(): EndReason | undefined {
    return this.#reason;
  }

  get isPreempted(): boolean {
    return this.#isPreempted;
  }

  because(reason: EndReason): void {
    this.#reason ??= reason;
  }

  /** Its runner said something. */
  heard(): void {
    this.#wasHeard = true;
  }

  /** It has to be ready within this time. */
  limitStart(withinMs: number): void {
    this.#killAfter(withinMs, 'loadFailed', `did not become ready within ${withinMs} ms`);
  }

  /** It finishes what runs, and then its exit hooks. Asked again, it has that time anew. */
  stop(message: string): void {
    const { timeoutMs, exitGraceMs, log } = this.#options;
    this.because({ reason: 'stopped', message });
    if (!this.#isStopped && !this.#isKilled) log.routine(`${this.#name} stops: ${message}`);
    this.#isStopped = true;
    this.#exitGraceRuns = false;
    this.#endWithin(timeoutMs + exitGraceMs, 'was stopped');
  }

  /** Nothing runs in it any more: from now on exit hooks have their grace and no more. */
  idle(): void {
    if (this.#exitGraceRuns || this.#isPreempted || this.#reason?.reason !== 'stopped') return;
    const { exitGraceMs } = this.#options;
    this.#exitGraceRuns = true;
    this.#killAfter(exitGraceMs, 'killed', `exit hooks took longer than ${exitGraceMs} ms`);
  }

  /** It ends within the grace, with what runs or without. */
  preempt(message: string): void {
    this.#isPreempted = true;
    this.because({ reason: 'preempted', message });
    this.#options.log.system(`${this.#name} is preempted: ${message}`);
    this.#endWithin(this.#options.exitGraceMs, 'was preempted');
  }

  /** Its code failed to load, and it should end by itself. */
  loadFailed(end: EndReason): void {
    this.because(end);
    this.#options.log.system(`${this.#name} failed to load: ${end.message}`);
    this.#deadline.set(LOAD_FAILED_GRACE_MS, () => this.#options.endProcess());
  }

  /** It ends now. */
  kill(reason: ContainerExit['reason'], message: string): void {
    this.because({ reason, message });
    if (!this.#isKilled) this.#options.log.system(`${this.#name} is killed: ${message}`);
    this.#isKilled = true;
  }

  /** It has ended: nothing of its code is logged any more. Puts all that is known into what is reported. */
  explain(end: ContainerEnd, memoryLimitMiB: number | undefined, ranOutOfMemory = false): ContainerExit {
    const { log, name } = this.#options;
    const mask = (text: string): string => log.masked(text);
    const exit = explainEnd(end, {
      ...{ name, wasHeard: this.#wasHeard, askedFor: this.#reason, mask },
      ...{ memoryLimitMiB, ranOutOfMemory },
    });
    log.end();
    const { reason } = exit;
    const kind = reason === 'stopped' ? 'routine' : 'system';
    log[kind](`${this.#name} ended: ${reason}, ${describeEnd(end)}`);
    return exit;
  }

  /** It is ready, or its process is gone. */
  clear(): void {
    this.#deadline.clear();
  }

  get #name(): string {
    return `container ${this.#options.containerId}`;
  }

  #endWithin(withinMs: number, event: string): void {
    this.#killAfter(withinMs, 'killed', `did not end within ${withinMs} ms after it ${event}`);
  }

  #killAfter(afterMs: number, reason: ContainerExit['reason'], message: string): void {
    this.#deadline.set(afterMs, () => this.#options.kill(reason, message));
  }
}
