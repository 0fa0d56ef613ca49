/** Forgetting a call too early costs messages that the client ignores; remembering for ever would cost memory. */
export const CALLS_REMEMBERED = 100_000;

/** A set that forgets its oldest members when it is full. */
export class RecentSet {
  readonly #most: number;
  readonly #members = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  has(member: string): boolean {
    return this.#members.has(member);
  }

  add(member: string): void {
    this.#members.add(member);
    if (this.#members.size <= this.#most) return;
    for (const oldest of this.#members) {
      this.#members.delete(oldest);
      return;
    }
  }

  delete(member: string): void {
    this.#members.delete(member);
  }
}
