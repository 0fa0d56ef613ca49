import type { FleetContainer } from './fleet-container.ts';
import type { Room, RoomAsk, RoomFor } from './room.ts';

/**
 * Room for gangs where others must leave: for all of its containers or for none.
 *
 * Invariants
 *   A1. What is promised to a gang is enough for all of it, so that gangs that wait never keep halves from each other.
 *   A2. An attempt that fails leaves no trace.
 */
export class GangRoom {
  readonly #room: Room;
  readonly #gangOf: (container: FleetContainer) => Iterable<FleetContainer>;

  constructor(room: Room, gangOf: (container: FleetContainer) => Iterable<FleetContainer>) {
    this.#room = room;
    this.#gangOf = gangOf;
  }

  /** Promises room for all, and returns what must be stopped for it, as {@link Room.makeRoom} does for one. */
  makeRoom(
    ask: RoomAsk,
    size: number,
    { roomFor, nowMs }: { roomFor: RoomFor; nowMs: number },
  ): FleetContainer[] | undefined {
    const mark = this.#room.mark(ask.pool);
    const stops: FleetContainer[] = [];
    const leaving = new Map<FleetContainer, boolean>();
    for (let found = 0; found < size; found++) {
      const more = this.#room.makeRoom(ask, roomFor, nowMs);
      if (!more) {
        for (const [container, isOffered] of leaving) this.#room.letStay(container, isOffered);
        this.#room.goBack(ask.pool, mark);
        return undefined;
      }
      stops.push(...more);
      // A gang leaves as one.
      for (const container of more.flatMap((stopped) => [...this.#gangOf(stopped)]))
        if (!leaving.has(container)) leaving.set(container, this.#room.letLeave(container));
    }
    return stops;
  }

  /**
   * Promises room for a gang where only gangs of the same pool, of an old version, are in its way, and returns what must
   * be stopped for it now: see {@link Room.replaceOne}. `old` are all containers of those gangs.
   */
  replaceOne(
    ask: RoomAsk,
    size: number,
    { old, nowMs }: { old: readonly FleetContainer[]; nowMs: number },
  ): FleetContainer[] | undefined {
    const left = old.map((container) => ({ container, isOffered: this.#room.letLeave(container) }));
    const stops = this.makeRoom(ask, size, { roomFor: 'first', nowMs });
    for (const { container, isOffered } of left) this.#room.letStay(container, isOffered);
    if (!stops) return undefined;
    const isUnderWay = old.some(({ state }) => state === 'draining');
    const [next] = old.filter(({ state }) => state === 'ready').sort((a, b) => a.running - b.running);
    return next && !isUnderWay ? [...stops, next] : stops;
  }
}
