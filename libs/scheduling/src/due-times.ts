interface Entry {
  key: string;
  atMs: number;
}

/** When something is to be looked at again: for each key one time, of several the earliest. */
export class DueTimes {
  readonly #times = new Map<string, number>();
  /** A binary heap. An entry whose time is not that of its key any more is void. */
  readonly #heap: Entry[] = [];

  /** Has no effect if the key is due earlier anyway. */
  add(key: string, atMs: number): void {
    if (atMs === Number.POSITIVE_INFINITY || atMs >= (this.#times.get(key) ?? Number.POSITIVE_INFINITY))
      return;
    this.#times.set(key, atMs);
    this.#push({ key, atMs });
  }

  /** The keys that are due; each has no time afterwards. */
  take(nowMs: number): string[] {
    const due: string[] = [];
    for (let first = this.#heap[0]; first && first.atMs <= nowMs; first = this.#heap[0]) {
      this.#removeFirst();
      if (this.#times.get(first.key) !== first.atMs) continue;
      this.#times.delete(first.key);
      due.push(first.key);
    }
    return due;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (!parent || parent.atMs <= entry.atMs) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = heap[left + 1];
      const below = right && right.atMs < (heap[left]?.atMs ?? 0) ? left + 1 : left;
      const child = heap[below];
      if (!child || child.atMs >= last.atMs) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}
