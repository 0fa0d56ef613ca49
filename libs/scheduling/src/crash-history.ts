import type { ContainerStatus } from '@gantry/protocol';

import { backoffMs } from './delays.ts';

/** Crashes of running containers that are made up for at once: most often an input is to blame, not the code. */
const CRASHES_FORGIVEN = 3;
const LOOPS_FROM = 2;
const MOST_MESSAGE_CHARS = 4_000;
const REMEMBERED_MS = 10 * 60_000;

/** Containers of one pool that failed one after the other. */
export interface CrashLoop {
  failures: number;
  /** How the last one ended. */
  message: string;
  /** When the next one may start. */
  nextStartAtMs: number;
}

/** Containers of one pool that did not load. */
export interface LoadFailures {
  failures: number;
  message: string;
  /** What the code of the last one threw, encoded, where that is known. */
  error: Uint8Array | undefined;
}

/**
 * How the last containers of a pool ended.
 *
 * A container that does not load counts until one is ready; one that crashes before it was of use (see
 * {@link ContainerStatus.proven}) counts until one is. Each failure doubles the pause before the next container. Where
 * an input was found to be to blame the next ones are given a chance: pauses stay short while such inputs pass.
 */
export class CrashHistory {
  #loadFailures = 0;
  #crashes = 0;
  #message = '';
  #error: Uint8Array | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;
  #answered = 0;
  #told = 0;

  /** Takes note of a container that ended. Of those that were started side by side one counts. */
  observeEnd(status: ContainerStatus, requestedAtMs: number, nowMs: number): void {
    if (status.proven) this.observeProven();
    const wasReady = status.readyAtMs !== undefined;
    if (!failed(status) || requestedAtMs < this.#lastMs) return;
    if (status.exit?.inputFailed) this.#crashes = Math.min(this.#crashes, CRASHES_FORGIVEN - 1);
    else if (wasReady) this.#crashes++;
    else this.#loadFailures++;
    this.#lastMs = nowMs;
    this.#error = status.exit?.error;
    const { message = 'the container ended while it was loading' } = status.exit ?? {};
    this.#message = message.slice(0, MOST_MESSAGE_CHARS);
  }

  /** A container loaded. */
  observeReady(): void {
    this.#loadFailures = 0;
    this.#answered = 0;
    this.#told = 0;
  }

  /** A container was of use. */
  observeProven(): void {
    this.#crashes = 0;
  }

  /** The code is another one. */
  forget(): void {
    this.observeReady();
    this.observeProven();
    this.#lastMs = Number.NEGATIVE_INFINITY;
  }

  get hasFailures(): boolean {
    return this.#loadFailures + this.#crashes > 0;
  }

  /** True while it says something about containers to come. */
  matters(nowMs: number): boolean {
    return nowMs < this.mattersUntilMs;
  }

  /** When it says nothing any more; in the past if it does not say anything now. */
  get mattersUntilMs(): number {
    return this.isCautious ? this.#lastMs + REMEMBERED_MS : Number.NEGATIVE_INFINITY;
  }

  /** True while containers are tried one at a time. */
  get isCautious(): boolean {
    return this.#pauses > 0;
  }

  /** When the next container may be started; in the past if nothing speaks against one now. */
  get mayStartMs(): number {
    return this.#lastMs + backoffMs(this.#pauses);
  }

  /** Set once failures follow each other. */
  get loop(): CrashLoop | undefined {
    if (this.#pauses < LOOPS_FROM) return undefined;
    const failures = Math.max(this.#loadFailures, this.#crashes);
    return { failures, message: this.#message, nextStartAtMs: this.mayStartMs };
  }

  /** The loop, once per failure. */
  takeLoop(): CrashLoop | undefined {
    const { loop } = this;
    if (!loop || this.#told >= loop.failures) return undefined;
    this.#told = loop.failures;
    return loop;
  }

  /** How many containers in a row did not load, if they are `threshold` or more and this was not said before. */
  takeLoadFailures(threshold: number): LoadFailures | undefined {
    const failures = this.#loadFailures;
    if (failures < threshold || this.#answered >= failures) return undefined;
    this.#answered = failures;
    return { failures, message: this.#message, error: this.#error };
  }

  get #pauses(): number {
    return Math.max(this.#loadFailures, this.#crashes - CRASHES_FORGIVEN);
  }
}

const CRASHES: readonly (string | undefined)[] = ['crashed', 'outOfMemory', 'heartbeat'];
const ENDED_BY_REQUEST: readonly (string | undefined)[] = ['stopped', 'preempted', 'killed', undefined];

function failed({ readyAtMs, proven, exit }: ContainerStatus): boolean {
  if (readyAtMs === undefined) return !ENDED_BY_REQUEST.includes(exit?.reason);
  return !proven && CRASHES.includes(exit?.reason);
}
