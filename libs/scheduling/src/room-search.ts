import { DueTimes } from './due-times.ts';
import type { Machine } from './machine.ts';
import type { Resources } from './placement.ts';
import type { Whereabouts } from './whereabouts.ts';

/** Needs that are looked for at the same time; the one that nobody asked for longest is forgotten. */
const KEPT_SEARCHES = 64;

/**
 * Where room of one size might be made by stopping what was idle for some time: all machines, less those where it was
 * found that it cannot, until something changes there or their containers were idle for longer.
 */
export class RoomSearch {
  readonly #hopeful: Set<Machine>;
  readonly #hopeless = new Map<string, Machine>();
  readonly #again = new DueTimes();

  constructor(machines: Iterable<Machine>) {
    this.#hopeful = new Set(machines);
  }

  /** The machines to try, in the order in which they got a chance. */
  *candidates(nowMs: number): Generator<Machine> {
    for (const workerId of this.#again.take(nowMs)) this.#reconsider(workerId);
    yield* this.#hopeful;
  }

  /** No room can be made there, until something changes or that time has come. */
  giveUp(machine: Machine, untilMs = Number.POSITIVE_INFINITY): void {
    this.#hopeful.delete(machine);
    this.#hopeless.set(machine.workerId, machine);
    this.#again.add(machine.workerId, untilMs);
  }

  /** Something changed on the machine, or it is new. */
  consider(machine: Machine): void {
    this.#hopeless.delete(machine.workerId);
    this.#hopeful.add(machine);
  }

  forget(machine: Machine): void {
    this.#hopeless.delete(machine.workerId);
    this.#hopeful.delete(machine);
  }

  #reconsider(workerId: string): void {
    const machine = this.#hopeless.get(workerId);
    if (machine) this.consider(machine);
  }
}

/** How much room, and where. */
export interface SearchedRoom {
  need: Resources;
  where?: Whereabouts | undefined;
}

/** The searches that are under way, by need and by how long containers must be idle. */
export class RoomSearches {
  readonly #searches = new Map<string, RoomSearch>();
  readonly #machines: () => Iterable<Machine>;

  constructor(machines: () => Iterable<Machine>) {
    this.#machines = machines;
  }

  for({ need, where }: SearchedRoom, idleForMs: number): RoomSearch {
    const { cpu, memoryMiB, diskMiB, gpus } = need;
    const rest = diskMiB || gpus || where ? JSON.stringify([diskMiB, gpus, where]) : '';
    const key = `${cpu} ${memoryMiB} ${idleForMs} ${rest}`;
    const search = this.#searches.get(key) ?? new RoomSearch(this.#machines());
    this.#searches.delete(key);
    this.#searches.set(key, search);
    const [oldest] = this.#searches.keys();
    if (this.#searches.size > KEPT_SEARCHES && oldest !== undefined) this.#searches.delete(oldest);
    return search;
  }

  consider(machine: Machine): void {
    for (const search of this.#searches.values()) search.consider(machine);
  }

  forget(machine: Machine): void {
    for (const search of this.#searches.values()) search.forget(machine);
  }
}
