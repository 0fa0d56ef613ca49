import type { AutoscalerRecord, FunctionRecord } from '@gantry/protocol';

import { DueTimes } from './due-times.ts';
import { effectiveRecord } from './effective-record.ts';
import { exactNeed, type Resources } from './placement.ts';
import { PoolState } from './pool-state.ts';

/** Needs of a function that is not known any more: those of one without options. */
const UNKNOWN_NEED = exactNeed({});

/**
 * All pools, what their functions say, and which of them are to be reviewed: those that something happened to, and
 * those whose time has come.
 */
export class Pools {
  readonly #functions = new Map<string, FunctionRecord>();
  /** Live settings by function, then by pool; those of the function itself hold for all its pools. */
  readonly #live = new Map<string, Map<string, AutoscalerRecord>>();
  readonly #pools = new Map<string, PoolState>();
  readonly #byFunction = new Map<string, Set<PoolState>>();
  readonly #touched = new Set<PoolState>();
  readonly #inUse = new Set<PoolState>();
  readonly #reviews = new DueTimes();
  readonly #looks = new DueTimes();

  functionOf(functionId: string): FunctionRecord | undefined {
    return this.#functions.get(functionId);
  }

  setFunction(functionId: string, record: FunctionRecord | undefined): void {
    if (record) this.#functions.set(functionId, record);
    else this.#functions.delete(functionId);
    this.#touchFunction(functionId);
  }

  setLive(functionId: string, pool: string, live: AutoscalerRecord | undefined): void {
    let own = this.#live.get(functionId);
    if (!own) this.#live.set(functionId, (own = new Map<string, AutoscalerRecord>()));
    if (live) own.set(pool, live);
    else own.delete(pool);
    if (own.size === 0) this.#live.delete(functionId);
    this.#touchFunction(functionId);
  }

  liveOf(functionId: string): Iterable<AutoscalerRecord> {
    return this.#live.get(functionId)?.values() ?? [];
  }

  get(pool: string): PoolState | undefined {
    return this.#pools.get(pool);
  }

  ofFunction(functionId: string): Iterable<PoolState> {
    return this.#byFunction.get(functionId) ?? [];
  }

  /** The pool of that name; made if there is none. */
  of(pool: string, functionId: string): PoolState {
    let state = this.#pools.get(pool);
    if (state) return state;
    state = new PoolState(pool, functionId);
    if (pool === functionId) state.parameters = {};
    this.#pools.set(pool, state);
    const siblings = this.#byFunction.get(functionId);
    if (siblings) siblings.add(state);
    else this.#byFunction.set(functionId, new Set([state]));
    return state;
  }

  remove(state: PoolState): void {
    this.#pools.delete(state.pool);
    this.#touched.delete(state);
    this.#inUse.delete(state);
    const siblings = this.#byFunction.get(state.functionId);
    siblings?.delete(state);
    if (siblings?.size === 0) this.#byFunction.delete(state.functionId);
  }

  /** What holds for the containers of a pool; undefined once its function is gone. */
  recordOf(state: PoolState): FunctionRecord | undefined {
    return this.#effective(state).record;
  }

  /** What a container of a pool takes. */
  needOf(pool: string, functionId: string): Resources {
    const state = this.#pools.get(pool);
    if (state) return this.#effective(state).need;
    const record = this.#functions.get(functionId);
    return record ? exactNeed(record.spec.options) : UNKNOWN_NEED;
  }

  /** Something happened to a pool. */
  touch(state: PoolState): void {
    this.#touched.add(state);
    this.track(state);
  }

  /** What a pool has to do may have changed. */
  track(state: PoolState): void {
    if (state.inUse) this.#inUse.add(state);
    else this.#inUse.delete(state);
    this.#looks.add(state.pool, state.nextLookMs);
  }

  touchAll(): void {
    for (const state of this.#pools.values()) this.#touched.add(state);
  }

  /** A pool is to be reviewed then, whether something happens or not. */
  reviewAt(state: PoolState, atMs: number): void {
    this.#reviews.add(state.pool, atMs);
  }

  /** Up to `count` pools that are to be reviewed now. */
  takeTouched(nowMs: number, count: number): PoolState[] {
    for (const pool of this.#reviews.take(nowMs)) {
      const state = this.#pools.get(pool);
      if (state) this.#touched.add(state);
    }
    const taken: PoolState[] = [];
    for (const state of this.#touched) {
      if (taken.length === count) break;
      this.#touched.delete(state);
      taken.push(state);
    }
    return taken;
  }

  /** Pools whose queue is to be asked now. */
  takeLooks(nowMs: number): PoolState[] {
    const due: PoolState[] = [];
    for (const pool of this.#looks.take(nowMs)) {
      const state = this.#pools.get(pool);
      if (state?.startLook(nowMs)) due.push(state);
      else if (state) this.track(state);
    }
    return due;
  }

  /** Whether a pool has work, or is to be reviewed. */
  get isBusy(): boolean {
    return this.#inUse.size > 0 || this.#touched.size > 0;
  }

  /** Whether a pool is to be reviewed at once. */
  get hasTouched(): boolean {
    return this.#touched.size > 0;
  }

  #touchFunction(functionId: string): void {
    for (const state of this.ofFunction(functionId)) {
      state.effective = undefined;
      this.touch(state);
    }
  }

  #effective(state: PoolState): { record: FunctionRecord | undefined; need: Resources } {
    if (state.effective) return state.effective;
    const { functionId, pool, options } = state;
    const coded = this.#functions.get(functionId);
    const live = this.#live.get(functionId);
    const ownLive = pool === functionId ? undefined : live?.get(pool);
    const record = coded && effectiveRecord(coded, options, [live?.get(functionId), ownLive]);
    state.effective = { record, need: record ? exactNeed(record.spec.options) : UNKNOWN_NEED };
    return state.effective;
  }
}
