import { newSessionKey, subjects, type ClassParameters, type DemandMessage } from '@gantry/protocol';

import { inject, onePerGateway, TOKENS } from '../injection.ts';

/** Sends a message to whoever listens. */
export interface DemandPublisher {
  publish(subject: string, message: DemandMessage): void;
}

/** A pool as the scheduler must know it to start a container. */
export interface DemandedPool {
  pool: string;
  functionId: string;
  parameters: ClassParameters;
}

const MIN_INTERVAL_MS = 50;
const REPEAT_MS = 1_000;
const MAX_MENTIONED = 1_000;

interface Demand {
  target: DemandedPool;
  waiting: number;
  sentAtMs: number;
  sentWaiting: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Tells the scheduler how many requests wait for each pool: at once when the first one waits, at most every
 * 50 ms while the number changes, every second while any wait, and once when none waits any more.
 */
@onePerGateway()
export class DemandSignal {
  readonly #publisher: DemandPublisher;
  readonly #from = `gateway-${newSessionKey()}`;
  readonly #demands = new Map<string, Demand>();
  readonly #mentionedAtMs = new Map<string, number>();

  constructor(@inject(TOKENS.demand) publisher: DemandPublisher) {
    this.#publisher = publisher;
  }

  /** Says how many requests wait for a pool now. */
  set(target: DemandedPool, waiting: number): void {
    let demand = this.#demands.get(target.pool);
    if (!demand) {
      if (waiting === 0) return;
      demand = { target, waiting, sentAtMs: 0, sentWaiting: 0, timer: undefined };
      this.#demands.set(target.pool, demand);
    }
    demand.waiting = waiting;
    this.#consider(demand);
  }

  /**
   * Makes a pool known without claiming that anything waits: its containers are of an old version, and the
   * scheduler may need the parameters to start new ones. Once a second at most.
   */
  mention(target: DemandedPool): void {
    const nowMs = Date.now();
    if (this.#demands.has(target.pool) || nowMs - (this.#mentionedAtMs.get(target.pool) ?? 0) < REPEAT_MS)
      return;
    // Mentions end when the new version has taken over; what is left of them is cleared in passing.
    if (this.#mentionedAtMs.size >= MAX_MENTIONED) this.#mentionedAtMs.clear();
    this.#mentionedAtMs.set(target.pool, nowMs);
    this.#publish(target, 0);
  }

  /** Stops repeating. */
  close(): void {
    for (const { timer } of this.#demands.values()) clearTimeout(timer);
    this.#demands.clear();
  }

  #consider(demand: Demand): void {
    clearTimeout(demand.timer);
    const ageMs = Date.now() - demand.sentAtMs;
    const dueMs = demand.waiting === demand.sentWaiting ? REPEAT_MS : MIN_INTERVAL_MS;
    if (ageMs >= dueMs) return this.#send(demand);
    demand.timer = setTimeout(() => this.#consider(demand), dueMs - ageMs);
  }

  #send(demand: Demand): void {
    const { target, waiting } = demand;
    demand.sentAtMs = Date.now();
    demand.sentWaiting = waiting;
    this.#publish(target, waiting);
    if (waiting === 0) this.#demands.delete(target.pool);
    else demand.timer = setTimeout(() => this.#consider(demand), REPEAT_MS);
  }

  #publish({ pool, functionId, parameters }: DemandedPool, waitingRequests: number): void {
    const message = { pool, functionId, parameters, inputs: 0, waitingRequests, from: this.#from };
    this.#publisher.publish(subjects.demand, message);
  }
}
