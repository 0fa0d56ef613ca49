/** What a load expects, saw, and still waits for. */
export class Ledger {
  /** What went wrong, for people. */
  readonly problems: string[] = [];
  /** The results that each call must have on disk, by index; of a call whose results are not known, their number. */
  readonly calls = new Map<string, readonly unknown[] | number>();
  readonly #open = new Map<object, { what: string; sinceMs: number }>();
  readonly #done = new Map<string, number>();

  /** Runs one piece of a load; what it throws is a problem. */
  async take(what: string, work: () => Promise<void>): Promise<void> {
    const token = {};
    this.#open.set(token, { what, sinceMs: performance.now() });
    try {
      await work();
    } catch (error) {
      this.problems.push(`${what}: ${String(error)}`);
    }
    this.#open.delete(token);
    const kind = what.split(' ')[0] ?? what;
    this.#done.set(kind, (this.#done.get(kind) ?? 0) + 1);
  }

  expectCall(callId: string, results: readonly unknown[] | number): void {
    this.calls.set(callId, results);
  }

  /** How many pieces of each kind have ended. */
  get done(): ReadonlyMap<string, number> {
    return this.#done;
  }

  /** What has not ended, and for how long. */
  get open(): string[] {
    const nowMs = performance.now();
    return [...this.#open.values()].map(
      ({ what, sinceMs }) => `${what} is open for ${((nowMs - sinceMs) / 1_000).toFixed(1)} s`,
    );
  }
}
