import { freemem } from 'node:os';

import type { Container } from './container-driver.ts';
import { WarmProcesses } from './warm-processes.ts';

/** How many kinds have containers that wait. */
const MOST_KINDS = 3;
/** A kind of which none was started for so long has none that wait. */
const KEPT_MS = 10 * 60 * 1000;
/** With less memory than this left, none wait. */
const LEAST_FREE_BYTES = 1024 ** 3;

export interface WarmKindsOptions<TKind, TContainer extends Container> {
  /** How many of each kind. 0 switches it off. */
  count: number;
  spawn(kind: TKind): Promise<TContainer>;
  /** What the machine could give to programs. @defaultValue what the system says */
  readFreeBytes?: (() => number) | undefined;
}

interface Waiting<TContainer extends Container> {
  processes: WarmProcesses<TContainer>;
  end: NodeJS.Timeout;
}

/**
 * Containers that are started ahead of need, of the kinds that were started lately: whoever started one of a kind may
 * start more of it.
 *
 * Invariants
 *   K1. A kind waits only after one of it was asked for, at most ten minutes, and is one of the last three.
 *   K2. Where memory is short, none waits from the next start on.
 */
export class WarmKinds<TKind extends object, TContainer extends Container> {
  readonly #options: WarmKindsOptions<TKind, TContainer>;
  /** By what makes a kind, the one that was asked for last at the end. */
  readonly #waiting = new Map<string, Waiting<TContainer>>();

  constructor(options: WarmKindsOptions<TKind, TContainer>) {
    this.#options = options;
  }

  /** One of this kind, if one waits; if not, one will when {@link WarmKinds.refill} is called. */
  take(kind: TKind): TContainer | undefined {
    const { count, spawn, readFreeBytes = freemem } = this.#options;
    if (count === 0) return undefined;
    const key = JSON.stringify(kind);
    const { processes } = this.#waiting.get(key) ?? {
      processes: new WarmProcesses({ count, spawn: () => spawn(kind) }),
    };
    const taken = processes.take();
    this.#keep(key, processes);
    if (readFreeBytes() < LEAST_FREE_BYTES) this.close();
    return taken;
  }

  /** Starts what is missing, now. */
  refill(): void {
    for (const { processes } of this.#waiting.values()) processes.refill();
  }

  /** Ends all that wait. */
  close(): void {
    for (const key of [...this.#waiting.keys()]) this.#drop(key);
  }

  #keep(key: string, processes: WarmProcesses<TContainer>): void {
    clearTimeout(this.#waiting.get(key)?.end);
    this.#waiting.delete(key);
    this.#waiting.set(key, { processes, end: setTimeout(() => this.#drop(key), KEPT_MS).unref() });
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined && this.#waiting.size > MOST_KINDS) this.#drop(oldest);
  }

  #drop(key: string): void {
    const waiting = this.#waiting.get(key);
    clearTimeout(waiting?.end);
    waiting?.processes.close();
    this.#waiting.delete(key);
  }
}
