import type { GpuDevice } from '@gantry/protocol';

import { type FleetContainer, isIdle } from './fleet-container.ts';
import { GpuKinds } from './gpu-alternatives.ts';
import { MachineOrder } from './machine-order.ts';
import { Machine } from './machine.ts';
import { difference, hasRoom, isAtLeast, isSame, type Resources, sum } from './placement.ts';
import { canEnd, endsFor, endsSooner, groupByMachine, isBetter, longestIdle } from './room-ends.ts';
import { type RoomSearch, RoomSearches, type SearchedRoom } from './room-search.ts';
import { type MachineTraits, zoneOf } from './whereabouts.ts';

/** Who asks for room, how much, and where. */
export interface RoomAsk extends SearchedRoom {
  pool: string;
  functionId: string;
}

/** A machine as its worker reports it. */
export interface MachineReport {
  capacity: Resources;
  /** Whether it takes new containers. */
  isOpen: boolean;
  gpus?: readonly GpuDevice[] | undefined;
  traits?: MachineTraits | undefined;
}

/**
 * How long a container must be idle to give way: before, its next input may be on its way. To a pool that has
 * nothing at all soon; to one that only wants more late, or bursts that take turns would only start containers.
 */
export const GIVES_WAY_AFTER_MS = { first: 250, further: 5_000 } as const;

export type RoomFor = keyof typeof GIVES_WAY_AFTER_MS;

/** What was promised to a pool, and known of all, at one moment. */
export interface RoomMark {
  promises: number;
  noPlaceFor: SearchedRoom[];
  spare: ReadonlyMap<string, number>;
}

/** More than any machine has containers of one function. */
const WASTE = 1_000_000;
/** Of the machines that could make room, how many are compared. */
const COMPARED_MACHINES = 16;

/**
 * The room of all machines: what is free, what will be when leaving containers have left, and what of both is
 * promised.
 *
 * Invariants
 *   R1. Room is given or promised once. What is promised to a pool is not given to another.
 *   R2. Nothing is stopped for room while free room and leaving containers are enough.
 *   R3. For another pool, only idle containers that their pool can spare are stopped, and none whose stop is not
 *       needed. For a new version of the same pool also busy ones, one after the other.
 */
export class Room {
  readonly #machines = new Map<string, Machine>();
  readonly #order = new MachineOrder();
  readonly #searches = new RoomSearches(() => this.#machines.values());
  readonly #consider = (machine: Machine): void => this.#searches.consider(machine);
  /** How many containers a pool can do without, if any. */
  readonly #spare = new Map<string, number>();
  readonly #promises = new Map<string, { machine: Machine; need: Resources }[]>();
  /** What found no room, until some gets free. */
  #noPlaceFor: SearchedRoom[] = [];
  readonly #gpuKinds = new GpuKinds();
  #hasGained = false;
  readonly #gainedFor = new Set<string>();

  setMachine(workerId: string, { capacity, isOpen, gpus = [], traits = {} }: MachineReport): void {
    let machine = this.#machines.get(workerId);
    if (!machine) this.#machines.set(workerId, (machine = new Machine(workerId, capacity, this.#consider)));
    const isNew = !isSameJson(machine.gpus, gpus) || !isSameJson(machine.traits, traits);
    const isMore = isOpen && (!machine.isOpen || isNew || !isAtLeast(machine.capacity, capacity));
    if (!isMore && machine.isOpen === isOpen && isAtLeast(capacity, machine.capacity)) return;
    if (isNew) this.#describe(machine, gpus, traits);
    machine.capacity = capacity;
    machine.isOpen = isOpen;
    this.#order.update(machine);
    if (isMore) this.#gained(machine);
  }

  removeMachine(workerId: string): void {
    const machine = this.#machines.get(workerId);
    if (!machine) return;
    this.#machines.delete(workerId);
    machine.isOpen = false;
    this.#order.update(machine);
    this.#searches.forget(machine);
    this.#gpuKinds.remove(machine.gpus);
    for (const pool of machine.promisedTo.keys()) this.#gainedFor.add(pool);
  }

  add(container: FleetContainer): void {
    const machine = this.#machines.get(container.workerId);
    if (!machine) return;
    machine.add(container);
    this.#order.update(machine);
  }

  remove(container: FleetContainer): void {
    const machine = this.#machines.get(container.workerId);
    if (!machine) return;
    machine.remove(container);
    this.#order.update(machine);
    this.#gained(machine);
  }

  /** A container changed its state or its load. */
  change(container: FleetContainer): void {
    const machine = this.#machines.get(container.workerId);
    if (!machine?.change(container)) return;
    this.#order.update(machine);
    this.#gained(machine);
  }

  /** What containers take turned out to be something else. */
  setNeed(containers: readonly FleetContainer[], need: Resources): void {
    for (const container of containers) {
      // Which of several GPUs it might have it has got is its own affair.
      const own = { ...need, gpus: container.need.gpus };
      if (isSame(container.need, own)) continue;
      this.remove(container);
      container.need = own;
      this.add(container);
    }
  }

  /** Says how many containers a pool can do without. */
  offer(pool: string, spare: number, containers: readonly FleetContainer[]): void {
    const before = this.#spare.get(pool) ?? 0;
    if (spare > 0) this.#spare.set(pool, spare);
    else if (!this.#spare.delete(pool)) return;
    for (const container of containers) {
      const machine = this.#machines.get(container.workerId);
      machine?.setOffered(container, spare > 0 && isIdle(container));
      if (machine && spare > before) this.#consider(machine);
    }
  }

  /**
   * The machine for a new container: of those with room that is promised to nobody, the one with the fewest
   * containers of the same function, then the one that is the least full; and one with GPUs for a container without
   * only where nothing else has room. Undefined if none has room.
   */
  place({ functionId, need, where }: Omit<RoomAsk, 'pool'>): string | undefined {
    if (this.#noPlaceFor.some((other) => isHarder({ need, where }, other))) return undefined;
    let best: { workerId: string; rank: number } | undefined;
    for (const { machine } of this.#order.get()) {
      if (!machine.isAt(where) || !hasRoom(machine.capacity, machine.reserved, need)) continue;
      const isWaste = machine.gpus.length > 0 && !need.gpus;
      const rank = machine.countOf(functionId) + (isWaste ? WASTE : 0);
      if (rank === 0) return machine.workerId;
      if (!best || rank < best.rank) best = { workerId: machine.workerId, rank };
    }
    if (!best) this.#noPlaceFor.push({ need, where });
    return best?.workerId;
  }

  /** GPUs for a container that {@link place} found a machine for, by index. */
  freeGpus(workerId: string, need: Resources): number[] {
    return this.#machines.get(workerId)?.freeGpus(need) ?? [];
  }

  /** What a container may take instead of each other, the best first; nothing where no machine has its GPUs. */
  alternatives(need: Resources, gpu: readonly string[] | undefined): Resources[] {
    return this.#gpuKinds.alternatives(need, gpu);
  }

  /**
   * Promises room for a container of a pool, and returns what must be stopped for it: nothing if enough
   * containers are leaving already; undefined if no machine can make room.
   *
   * Of some machines that can, the one where the fewest must go is taken, and there those that were idle for
   * longest.
   */
  makeRoom(ask: RoomAsk, roomFor: RoomFor, nowMs: number): FleetContainer[] | undefined {
    const idleForMs = GIVES_WAY_AFTER_MS[roomFor];
    const search = this.#searches.for(ask, idleForMs);
    let best: { machine: Machine; stops: FleetContainer[] } | undefined;
    let compared = 0;
    for (const machine of search.candidates(nowMs)) {
      const stops = this.#stopsFor(machine, ask, { search, idleForMs, nowMs });
      if (!stops) continue;
      if (!best || isBetter(stops, best.stops)) best = { machine, stops };
      if (stops.length === 0 || ++compared === COMPARED_MACHINES) break;
    }
    if (!best) return undefined;
    this.#promise(best.machine, ask);
    for (const { pool } of unitsOf(best.stops)) this.#spare.set(pool, (this.#spare.get(pool) ?? 0) - 1);
    return best.stops;
  }

  /**
   * Promises room for a container of a pool where only containers of the same pool, of an old version, are in
   * its way, and returns what must be stopped for it now: the least busy of them, or nothing while one is
   * leaving already; undefined if no machine has room even without all of them.
   */
  replaceOne(ask: RoomAsk, old: readonly FleetContainer[]): FleetContainer[] | undefined {
    const byMachine = groupByMachine(old.filter(canEnd));
    let best: { machine: Machine; ends: FleetContainer[] } | undefined;
    for (const { machine } of this.#order.get()) {
      if (!machine.isAt(ask.where)) continue;
      const ends = endsFor(machine, ask.need, byMachine.get(machine.workerId) ?? []);
      if (ends && (!best || endsSooner(ends, best.ends))) best = { machine, ends };
    }
    if (!best) return undefined;
    this.#promise(best.machine, ask);
    const [next] = best.ends;
    return next && next.state !== 'draining' ? [next] : [];
  }

  /** Takes back what a pool was promised; returns for how many containers that was. */
  withdraw(pool: string): number {
    const promises = this.#promises.get(pool);
    if (!promises) return 0;
    for (const { machine, need } of promises) {
      machine.withdraw(pool, need);
      this.#order.update(machine);
    }
    this.#promises.delete(pool);
    this.#noPlaceFor = [];
    return promises.length;
  }

  /** Machines for so many containers at once, of which one may be named more than once; undefined if one has no room. */
  placeAll(ask: RoomAsk, count: number): string[] | undefined {
    const noPlaceFor = [...this.#noPlaceFor];
    const found: Machine[] = [];
    while (found.length < count) {
      const machine = this.#machines.get(this.place(ask) ?? '');
      if (!machine) break;
      machine.hold(ask.need, true);
      this.#order.update(machine);
      found.push(machine);
    }
    for (const machine of found) {
      machine.hold(ask.need, false);
      this.#order.update(machine);
    }
    // What was full of those that are only considered is not.
    this.#noPlaceFor = noPlaceFor;
    return found.length === count ? found.map(({ workerId }) => workerId) : undefined;
  }

  /** A container counts as one that leaves, from before it is asked to. Returns whether it was on offer. */
  letLeave(container: FleetContainer): boolean {
    const machine = this.#machines.get(container.workerId);
    const isOffered = machine?.offered.has(container.containerId) === true;
    machine?.setLeaving(container, true);
    if (machine) this.#order.update(machine);
    return isOffered;
  }

  /** It stays after all. */
  letStay(container: FleetContainer, isOffered: boolean): void {
    const machine = this.#machines.get(container.workerId);
    machine?.setLeaving(container, false);
    machine?.setOffered(container, isOffered);
    if (machine) this.#order.update(machine);
  }

  /** How things are for a pool, to {@link goBack} to. */
  mark(pool: string): RoomMark {
    const spare = new Map(this.#spare);
    return { promises: this.promisedTo(pool), noPlaceFor: [...this.#noPlaceFor], spare };
  }

  /** Takes back what the pool was promised since, and forgets what was found out meanwhile. */
  goBack(pool: string, { promises, noPlaceFor, spare }: RoomMark): void {
    const own = this.#promises.get(pool) ?? [];
    for (const { machine, need } of own.splice(promises)) {
      machine.withdraw(pool, need);
      this.#order.update(machine);
    }
    if (own.length === 0) this.#promises.delete(pool);
    this.#noPlaceFor = noPlaceFor;
    for (const [other, count] of spare) this.#spare.set(other, count);
  }

  /** The zones of machines that take containers, that of the least full one first. */
  zones(): string[] {
    return [...new Set(this.#order.get().map(({ machine }) => machine.zone))];
  }

  /** For how many containers a pool waits for others to leave. */
  promisedTo(pool: string): number {
    return this.#promises.get(pool)?.length ?? 0;
  }

  /**
   * Whether more room can be had than when this was asked last, and the pools that have a promise where that is.
   */
  takeGains(): { hasGained: boolean; promisedTo: string[] } {
    const gains = { hasGained: this.#hasGained, promisedTo: [...this.#gainedFor] };
    this.#hasGained = false;
    this.#gainedFor.clear();
    return gains;
  }

  /** Room that was promised is not needed any more. */
  noteUnclaimed(): void {
    this.#hasGained = true;
  }

  #describe(machine: Machine, gpus: readonly GpuDevice[], traits: MachineTraits): void {
    this.#gpuKinds.remove(machine.gpus);
    machine.gpus = gpus;
    machine.traits = traits;
    machine.zone = zoneOf(machine.workerId, traits);
    this.#gpuKinds.add(gpus);
  }

  #promise(machine: Machine, { pool, need }: RoomAsk): void {
    machine.promise(pool, need);
    this.#order.update(machine);
    const promises = this.#promises.get(pool);
    if (promises) promises.push({ machine, need });
    else this.#promises.set(pool, [{ machine, need }]);
  }

  #gained(machine: Machine): void {
    this.#hasGained = true;
    for (const pool of machine.promisedTo.keys()) this.#gainedFor.add(pool);
    this.#noPlaceFor = [];
    this.#consider(machine);
  }

  #stopsFor(
    machine: Machine,
    { need, pool, where }: RoomAsk,
    { search, idleForMs, nowMs }: { search: RoomSearch; idleForMs: number; nowMs: number },
  ): FleetContainer[] | undefined {
    const { capacity } = machine;
    if (!machine.isOpen || !machine.isAt(where) || !machine.couldHaveRoom(need)) {
      search.giveUp(machine);
      return undefined;
    }
    let used = machine.reservedSoon;
    const stops: FleetContainer[] = [];
    const taken = new Set<string>();
    const takenOf = new Map<string, number>();
    const { idle, nextMs } = longestIdle(machine, nowMs - idleForMs);
    for (const container of idle) {
      if (hasRoom(capacity, used, need)) break;
      if (container.pool === pool) continue;
      const unit = unitOf(container);
      if (!taken.has(unit)) {
        const count = takenOf.get(container.pool) ?? 0;
        if (count >= (this.#spare.get(container.pool) ?? 0)) continue;
        takenOf.set(container.pool, count + 1);
        taken.add(unit);
      }
      used = difference(used, container.need);
      stops.push(container);
    }
    if (!hasRoom(capacity, used, need)) {
      // That a pool's own containers do not give way to it says nothing about others.
      if (!this.#spare.has(pool)) search.giveUp(machine, nextMs + idleForMs);
      return undefined;
    }
    // A large one that came last may have made smaller ones before it needless.
    return stops.filter((container) => {
      const kept = sum(used, container.need);
      if (!hasRoom(capacity, kept, need)) return true;
      used = kept;
      return false;
    });
  }
}

/** What ends as one: a gang, or a container that is in none. */
function unitOf({ containerId, gang }: FleetContainer): string {
  return gang?.leader ?? containerId;
}

/** One container of each unit. */
function unitsOf(containers: readonly FleetContainer[]): Iterable<FleetContainer> {
  return new Map(containers.map((container) => [unitOf(container), container])).values();
}

/** Whether one can have no room where the other has none. */
function isHarder(room: SearchedRoom, than: SearchedRoom): boolean {
  return isAtLeast(room.need, than.need) && (than.where === undefined || isSameJson(room.where, than.where));
}

function isSameJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
