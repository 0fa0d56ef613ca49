import type { Machine } from './machine.ts';

interface Place {
  machine: Machine;
  fullness: number;
}

/** The machines that take containers, the least full first. */
export class MachineOrder {
  readonly #places: Place[] = [];
  /** By machine, where it was sorted in. */
  readonly #sorted = new Map<Machine, Place>();
  /** Machines that changed since. */
  readonly #changed = new Set<Machine>();

  /** A machine is new, opened, closed, fuller, or less full. */
  update(machine: Machine): void {
    this.#changed.add(machine);
  }

  get(): readonly Place[] {
    for (const machine of this.#changed) this.#sort(machine);
    this.#changed.clear();
    return this.#places;
  }

  #sort(machine: Machine): void {
    const before = this.#sorted.get(machine);
    if (before) this.#places.splice(this.#indexOf(before), 1);
    this.#sorted.delete(machine);
    if (!machine.isOpen) return;
    const place = { machine, fullness: machine.fullness };
    this.#places.splice(this.#indexOf(place), 0, place);
    this.#sorted.set(machine, place);
  }

  #indexOf(place: Place): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#places[middle];
      if (other && isBefore(other, place)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

// The id decides at last, so that the same facts always give the same choice.
function isBefore(a: Place, b: Place): boolean {
  return a.fullness === b.fullness ? a.machine.workerId < b.machine.workerId : a.fullness < b.fullness;
}
