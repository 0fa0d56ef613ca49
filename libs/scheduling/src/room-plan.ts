import type { FleetContainer } from './fleet.ts';
import { hasRoom, placeContainer, type Resources } from './placement.ts';

/** A machine that takes new containers. */
export interface Machine {
  workerId: string;
  capacity: Resources;
}

/** Whose containers need the same room. */
export type PoolId = Pick<FleetContainer, 'pool' | 'functionId'>;

export interface RoomPlanOptions {
  machines: readonly Machine[];
  /** All containers, on these machines and elsewhere. */
  containers: readonly FleetContainer[];
  /** What a container of a pool takes. */
  needOf: (pool: PoolId) => Resources;
  /** How many of a pool's containers it can do without, by pool. */
  spare: ReadonlyMap<string, number>;
}

interface Ask {
  need: Resources;
  pool: string;
  idleForMs: number;
}

interface Occupied extends Machine {
  /** By all containers that are there now. */
  used: Resources;
  /** By those that stay. */
  staying: Resources;
  /** To pools that wait for containers to leave. */
  promised: Resources;
  byFunction: Map<string, number>;
}

/**
 * How long a container must be idle to give way: before, its next input may be on its way. To a pool that has
 * nothing at all soon; to one that only wants more late, or bursts that take turns would only start containers.
 */
export const GIVES_WAY_AFTER_MS = { first: 250, further: 5_000 } as const;

export type RoomFor = keyof typeof GIVES_WAY_AFTER_MS;

/**
 * The room of all machines within one round of decisions: what is free, what will be when leaving containers
 * have left, and what of both is promised.
 *
 * Invariants
 *   R1. Room is given or promised once. What is promised to a pool that came first is not given to a later one.
 *   R2. Nothing is stopped for room while free room and leaving containers are enough.
 *   R3. For another pool, only idle containers that their pool can spare are stopped, and none whose stop is not
 *       needed. For a new version of the same pool also busy ones, one after the other.
 */
export class RoomPlan {
  readonly #machines = new Map<string, Occupied>();
  readonly #containers: FleetContainer[] = [];
  readonly #needOf: (pool: PoolId) => Resources;
  readonly #spare: Map<string, number>;

  constructor({ machines, containers, needOf, spare }: RoomPlanOptions) {
    this.#needOf = needOf;
    this.#spare = new Map(spare);
    for (const { workerId, capacity } of machines) {
      this.#machines.set(workerId, {
        workerId,
        capacity,
        used: none(),
        staying: none(),
        promised: none(),
        byFunction: new Map(),
      });
    }
    for (const container of containers) this.add(container);
  }

  /** Counts a container, reported or just asked for. */
  add(container: FleetContainer): void {
    const machine = this.#machines.get(container.workerId);
    if (!machine) return;
    const { functionId } = container;
    const need = this.#needOf(container);
    this.#containers.push(container);
    machine.used = sum(machine.used, need);
    if (!isLeaving(container)) machine.staying = sum(machine.staying, need);
    machine.byFunction.set(functionId, (machine.byFunction.get(functionId) ?? 0) + 1);
  }

  /** The machine for a new container, if one has room that is promised to nobody. */
  place(pool: PoolId): string | undefined {
    const workers = Array.from(this.#machines.values(), (machine) => ({
      workerId: machine.workerId,
      capacity: machine.capacity,
      used: greater(machine.used, sum(machine.staying, machine.promised)),
      sameFunction: machine.byFunction.get(pool.functionId) ?? 0,
    }));
    return placeContainer(workers, this.#needOf(pool));
  }

  /**
   * Promises room for a container of a pool, and returns what must be stopped for it: nothing if enough
   * containers are leaving already; undefined if no machine can make room.
   *
   * The machine where the fewest must go is taken, and there those that were idle for longest.
   */
  makeRoom(pool: PoolId, roomFor: RoomFor): FleetContainer[] | undefined {
    const ask = { need: this.#needOf(pool), pool: pool.pool, idleForMs: GIVES_WAY_AFTER_MS[roomFor] };
    let best: { machine: Occupied; stops: FleetContainer[] } | undefined;
    for (const machine of this.#machines.values()) {
      const stops = this.#stopsFor(machine, ask);
      if (stops && (!best || isBetter(stops, best.stops))) best = { machine, stops };
    }
    if (!best) return undefined;
    const { machine, stops } = best;
    machine.promised = sum(machine.promised, ask.need);
    for (const stopped of stops) {
      machine.staying = difference(machine.staying, this.#needOf(stopped));
      this.#spare.set(stopped.pool, (this.#spare.get(stopped.pool) ?? 0) - 1);
    }
    return stops;
  }

  /**
   * Promises room for a container of a pool where only containers of the same pool, of an old version, are in
   * its way, and returns what must be stopped for it now: the least busy of them, or nothing while one is
   * leaving already; undefined if no machine has room even without all of them.
   */
  replaceOne(pool: PoolId, old: readonly FleetContainer[]): FleetContainer[] | undefined {
    const need = this.#needOf(pool);
    let best: { machine: Occupied; ends: FleetContainer[] } | undefined;
    for (const machine of this.#machines.values()) {
      const ends = this.#endsFor(machine, need, old);
      if (ends && (!best || endsSooner(ends, best.ends))) best = { machine, ends };
    }
    if (!best) return undefined;
    const { machine, ends } = best;
    machine.promised = sum(machine.promised, need);
    const [next] = ends;
    if (!next) return [];
    machine.staying = difference(machine.staying, this.#needOf(next));
    if (next.state === 'draining') return [];
    this.#spare.set(next.pool, (this.#spare.get(next.pool) ?? 0) - 1);
    return [next];
  }

  /** Which old containers of a machine make room for one that needs so much, the first to end first. */
  #endsFor(
    { workerId, capacity, staying, promised }: Occupied,
    need: Resources,
    old: readonly FleetContainer[],
  ): FleetContainer[] | undefined {
    let used = sum(staying, promised);
    const ends: FleetContainer[] = [];
    const candidates = old.filter((container) => container.workerId === workerId && canEnd(container));
    for (const container of candidates.sort(byEnd)) {
      if (hasRoom({ capacity, used }, need)) break;
      used = difference(used, this.#needOf(container));
      ends.push(container);
    }
    return hasRoom({ capacity, used }, need) ? ends : undefined;
  }

  #stopsFor(machine: Occupied, { need, pool, idleForMs }: Ask): FleetContainer[] | undefined {
    const { capacity, promised } = machine;
    const spare = new Map(this.#spare);
    let used = sum(machine.staying, promised);
    const stops: FleetContainer[] = [];
    for (const container of this.#idleOn(machine.workerId, idleForMs)) {
      if (container.pool === pool) continue;
      if (hasRoom({ capacity, used }, need)) break;
      const left = spare.get(container.pool) ?? 0;
      if (left <= 0) continue;
      spare.set(container.pool, left - 1);
      used = difference(used, this.#needOf(container));
      stops.push(container);
    }
    if (!hasRoom({ capacity, used }, need)) return undefined;
    // A large one that came last may have made smaller ones before it needless.
    return stops.filter((container) => {
      const kept = sum(used, this.#needOf(container));
      if (!hasRoom({ capacity, used: kept }, need)) return true;
      used = kept;
      return false;
    });
  }

  /** The longest idle first. */
  #idleOn(workerId: string, idleForMs: number): FleetContainer[] {
    return this.#containers
      .filter((container) => container.workerId === workerId && givesWay(container, idleForMs))
      .sort((a, b) => idleMs(b) - idleMs(a) || (a.containerId < b.containerId ? -1 : 1));
  }
}

/** True for a container that ends as soon as its exit hooks have run: nothing runs in it. */
function isLeaving({ state, running }: FleetContainer): boolean {
  return state === 'draining' && running === 0;
}

function givesWay(container: FleetContainer, idleForMs: number): boolean {
  return container.state === 'ready' && container.running === 0 && idleMs(container) >= idleForMs;
}

function idleMs({ idleForMs }: FleetContainer): number {
  return idleForMs ?? -1;
}

function isBetter(stops: FleetContainer[], than: FleetContainer[]): boolean {
  if (stops.length !== than.length) return stops.length < than.length;
  const shortest = (containers: FleetContainer[]) => Math.min(...containers.map(idleMs));
  return stops.length > 0 && shortest(stops) > shortest(than);
}

/** True for a container that takes room, and can be waited for or stopped. */
function canEnd({ state, running }: FleetContainer): boolean {
  return state === 'ready' || (state === 'draining' && running > 0);
}

function byEnd(a: FleetContainer, b: FleetContainer): number {
  const difference = Number(b.state === 'draining') - Number(a.state === 'draining');
  return difference !== 0 ? difference : a.running - b.running;
}

function endsSooner(ends: FleetContainer[], than: FleetContainer[]): boolean {
  const isUnderWay = ([next]: FleetContainer[]) => !next || next.state === 'draining';
  const difference = Number(isUnderWay(ends)) - Number(isUnderWay(than));
  return difference !== 0 ? difference > 0 : ends.length < than.length;
}

function none(): Resources {
  return { cpu: 0, memoryMiB: 0 };
}

function sum(a: Resources, b: Resources): Resources {
  return { cpu: a.cpu + b.cpu, memoryMiB: a.memoryMiB + b.memoryMiB };
}

function difference(a: Resources, b: Resources): Resources {
  return { cpu: a.cpu - b.cpu, memoryMiB: a.memoryMiB - b.memoryMiB };
}

function greater(a: Resources, b: Resources): Resources {
  return { cpu: Math.max(a.cpu, b.cpu), memoryMiB: Math.max(a.memoryMiB, b.memoryMiB) };
}
