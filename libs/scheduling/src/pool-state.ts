import type { ClassParameters, DemandMessage, FunctionRecord, PoolOptions } from '@gantry/protocol';

import { CrashHistory } from './crash-history.ts';
import type { Resources } from './placement.ts';

/** Waiting and delivered inputs of a pool, as the queue counts them. */
export interface BacklogCount {
  waiting: number;
  delivered: number;
}

/** The containers of a pool, summed up. */
export interface PoolContainers {
  /** Neither draining nor stopped, of any version, requested ones included. */
  serving: number;
  ready: number;
  /** Inputs that the ready ones can handle at once. */
  capacity: number;
  /** Inputs and web requests that run in them. */
  running: number;
  /** Inputs that run in those that take no more: no other container is needed for them. */
  finishing?: number;
}

/** How much a pool has to do. */
export interface PoolLoad {
  demand: number;
  /** The part of it that nobody works on. */
  waiting: number;
  /** A gateway holds requests: they wait for certain, no second look is needed. */
  isCertain: boolean;
}

const LOOK_EVERY_MS = 250;
const CONFIRM_AFTER_MS = 25;
const WEB_DEMAND_LASTS_MS = 10_000;
const LOST_AFTER_MS = 2_000;

/** What the scheduler knows of one pool besides its containers. */
export class PoolState {
  readonly pool: string;
  readonly functionId: string;
  /** Unknown when only containers of the pool were seen: it cannot get new ones then. */
  parameters: ClassParameters | undefined;
  /** Options of the function that callers replaced for this pool. */
  options: PoolOptions | undefined;
  /** What holds for its containers; undefined until it is asked for again. */
  effective: { record: FunctionRecord | undefined; need: Resources } | undefined;
  lastActiveMs = Number.NEGATIVE_INFINITY;
  lastUnplaceableMs = Number.NEGATIVE_INFINITY;
  /** Since when it needs a container that no machine has room for. */
  cramped: { sinceMs: number } | undefined;

  /** Inputs announced since the queue was last asked. */
  #announced = 0;
  #announcedAtLook = 0;
  #looking = false;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #backlog: BacklogCount = { waiting: 0, delivered: 0 };
  #overCapacitySinceMs: number | undefined;
  #isLossSuspected = false;
  #pressureSinceMs: number | undefined;
  readonly #web = new Map<string, { requests: number; atMs: number }>();

  readonly crashes = new CrashHistory();

  constructor(pool: string, functionId: string) {
    this.pool = pool;
    this.functionId = functionId;
  }

  /** What is known of a pool from records, demand or settings: the first to say something is believed. */
  identify(parameters: ClassParameters | undefined, options: PoolOptions | undefined): void {
    this.parameters ??= parameters;
    if (this.options || !options) return;
    this.options = options;
    this.effective = undefined;
  }

  announce(message: DemandMessage, nowMs: number): void {
    this.identify(message.parameters, message.options);
    this.#announced += message.inputs;
    if (message.waitingRequests > 0)
      this.#web.set(message.from, { requests: message.waitingRequests, atMs: nowMs });
    else if (message.inputs === 0) this.#web.delete(message.from);
    if (message.inputs + message.waitingRequests > 0) this.lastActiveMs = nowMs;
  }

  /** When the queue should be asked next; infinite while it is being asked, or nothing is known to be there. */
  get nextLookMs(): number {
    const inUse = this.#announced > 0 || this.#backlog.waiting + this.#backlog.delivered > 0;
    if (this.#looking || !inUse) return Number.POSITIVE_INFINITY;
    return this.#lookedAtMs + (this.#pressureSinceMs === undefined ? LOOK_EVERY_MS : CONFIRM_AFTER_MS);
  }

  /** True when the queue should be asked now; the answer goes to `observeBacklog`. */
  startLook(nowMs: number): boolean {
    if (nowMs < this.nextLookMs) return false;
    this.#looking = true;
    this.#lookedAtMs = nowMs;
    this.#announcedAtLook = this.#announced;
    return true;
  }

  endLook(): void {
    this.#looking = false;
  }

  observeBacklog(backlog: BacklogCount, nowMs: number): void {
    this.#looking = false;
    this.#announced = Math.max(0, this.#announced - this.#announcedAtLook);
    this.#announcedAtLook = 0;
    this.#backlog = backlog;
    if (backlog.waiting + backlog.delivered > 0) this.lastActiveMs = nowMs;
  }

  /** Nothing is left to do: the inputs were failed or purged. */
  forgetWork(): void {
    this.#announced = 0;
    this.#announcedAtLook = 0;
    this.#backlog = { waiting: 0, delivered: 0 };
    this.#web.clear();
  }

  /** Whether anything is known that waits or runs. */
  get inUse(): boolean {
    return this.#announced + this.#backlog.waiting + this.#backlog.delivered + this.#web.size > 0;
  }

  load(containers: PoolContainers, nowMs: number): PoolLoad {
    const web = this.#webRequests(nowMs);
    const { waiting } = this.#backlog;
    const { finishing = 0 } = containers;
    const delivered = Math.max(0, this.#backlog.delivered - finishing);
    // Without a ready container nothing leaves the queue, so announced inputs certainly wait.
    if (containers.ready === 0) {
      // What was announced may run already, in a container that takes no more.
      const open = waiting + this.#backlog.delivered + this.#announced;
      const demand = Math.max(waiting, open - finishing) + web;
      return { demand, waiting: demand, isCertain: true };
    }
    const busy = Math.max(containers.running, this.#heldInputs(delivered, containers, nowMs));
    return { demand: waiting + busy + web, waiting: waiting + web, isCertain: web > 0 };
  }

  /**
   * True once more containers were wanted over two looks. A single look may catch the moment between the end
   * of an input and its acknowledgement; one caller after the other must not start a second container.
   */
  confirmPressure(wanted: boolean, nowMs: number): boolean {
    if (!wanted) {
      this.#pressureSinceMs = undefined;
      return false;
    }
    this.#pressureSinceMs ??= nowMs;
    return this.#lookedAtMs - this.#pressureSinceMs >= CONFIRM_AFTER_MS;
  }

  /** A container or machine of this pool ended unasked: what it had will be delivered again. */
  suspectLoss(): void {
    this.#isLossSuspected = true;
  }

  /** When the first of the gateways with waiting requests will be forgotten unless it says so again. */
  get webEndsMs(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { atMs } of this.#web.values()) first = Math.min(first, atMs + WEB_DEMAND_LASTS_MS + 1);
    return first;
  }

  // More delivered than fits: acknowledgements are on their way (under load, many), or inputs were lost with
  // their container and will be delivered again. The second is believed only after something was lost.
  #heldInputs(delivered: number, { capacity, running }: PoolContainers, nowMs: number): number {
    if (delivered <= capacity) {
      this.#overCapacitySinceMs = undefined;
      this.#isLossSuspected = false;
      return delivered;
    }
    this.#overCapacitySinceMs ??= nowMs;
    const isLost = this.#isLossSuspected && nowMs - this.#overCapacitySinceMs >= LOST_AFTER_MS;
    return isLost ? delivered : running;
  }

  #webRequests(nowMs: number): number {
    let sum = 0;
    for (const [from, { requests, atMs }] of this.#web) {
      if (nowMs - atMs > WEB_DEMAND_LASTS_MS) this.#web.delete(from);
      else sum += requests;
    }
    return sum;
  }
}
