import type { LogEntry } from '@gantry/protocol';

/** How far a log was read, so that reading can go on there: nothing is told twice, not even of entries at one instant. */
export class LogPlace {
  /** From which instant to read on. */
  sinceMs: number;
  /** How often each entry of that instant was told. */
  #told = new Map<string, number>();
  #toSkip = new Map<string, number>();

  constructor(sinceMs: number) {
    this.sinceMs = sinceMs;
  }

  /** The log is read again from `sinceMs` on. */
  resume(): void {
    this.#toSkip = new Map(this.#told);
  }

  /** Those that were not told before. */
  take(entries: readonly LogEntry[]): LogEntry[] {
    const fresh = entries.filter((entry) => !this.#wasTold(entry));
    for (const entry of fresh) this.#remember(entry);
    return fresh;
  }

  #wasTold(entry: LogEntry): boolean {
    const key = keyOf(entry);
    const left = this.#toSkip.get(key) ?? 0;
    if (left > 0) this.#toSkip.set(key, left - 1);
    return left > 0;
  }

  #remember(entry: LogEntry): void {
    if (entry.atMs > this.sinceMs) {
      this.sinceMs = entry.atMs;
      this.#told = new Map();
    }
    if (entry.atMs < this.sinceMs) return;
    const key = keyOf(entry);
    this.#told.set(key, (this.#told.get(key) ?? 0) + 1);
  }
}

function keyOf({ atMs, containerId, stream, text }: LogEntry): string {
  return `${atMs} ${containerId} ${stream} ${text}`;
}
