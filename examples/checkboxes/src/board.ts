/** How many boxes there are. */
export const BOXES = 10_000;

/** One box, and what it is now. */
export interface Change {
  box: number;
  checked: boolean;
}

/** All boxes, and who changed what: changes have numbers, so that whoever knows some is told of the others only. */
export class Board {
  readonly #bits: Uint8Array;
  /** The number of the latest change of each box, in the order of the numbers. */
  readonly #changes = new Map<number, number>();
  #version = 0;

  /** @param bits - What an earlier board gave as its `bits`. Otherwise no box is checked. */
  constructor(bits?: Uint8Array) {
    this.#bits = new Uint8Array(BOXES / 8);
    if (bits?.length === this.#bits.length) this.#bits.set(bits);
  }

  /** The number of the latest change. */
  get version(): number {
    return this.#version;
  }

  /** Eight boxes a byte, the first in the lowest bit. A copy. */
  get bits(): Uint8Array {
    return this.#bits.slice();
  }

  isChecked(box: number): boolean {
    return ((this.#bits[box >> 3] ?? 0) & (1 << (box & 7))) !== 0;
  }

  countChecked(): number {
    let count = 0;
    for (let box = 0; box < BOXES; box += 1) if (this.isChecked(box)) count += 1;
    return count;
  }

  /** False if there is no such box, or it is so already. */
  set({ box, checked }: Change): boolean {
    if (!Number.isInteger(box) || box < 0 || box >= BOXES || this.isChecked(box) === checked) return false;
    const at = box >> 3;
    this.#bits[at] = (this.#bits[at] ?? 0) ^ (1 << (box & 7));
    this.#version += 1;
    // Deleted first, so that it is the last one.
    this.#changes.delete(box);
    this.#changes.set(box, this.#version);
    return true;
  }

  /** Boxes that changed after the change of a number, as they are now; the latest first. */
  changesSince(version: number): Change[] {
    const changes: Change[] = [];
    for (const [box, number] of [...this.#changes].reverse()) {
      if (number <= version) break;
      changes.push({ box, checked: this.isChecked(box) });
    }
    return changes;
  }
}
