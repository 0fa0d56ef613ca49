import type { Clock } from '../clock.ts';

const REMEMBERED_MS = 60 * 60_000;
const MOST = 50_000;

/** How often the containers of inputs crashed lately, on whichever worker. */
export class CrashedInputs {
  readonly #clock: Clock;
  readonly #tellOthers: (inputId: string) => void;
  readonly #counts = new Map<string, { crashes: number; atMs: number }>();

  constructor(clock: Clock, tellOthers: (inputId: string) => void) {
    this.#clock = clock;
    this.#tellOthers = tellOthers;
  }

  /** A container crashed here. Returns how many did under this input. */
  note(inputId: string): number {
    this.#tellOthers(inputId);
    return this.add(inputId);
  }

  /** A container crashed, here or elsewhere. */
  add(inputId: string): number {
    const nowMs = this.#clock.monotonicMs();
    for (const [oldest, { atMs }] of this.#counts) {
      if (this.#counts.size < MOST && nowMs - atMs < REMEMBERED_MS) break;
      this.#counts.delete(oldest);
    }
    const crashes = this.count(inputId) + 1;
    // Inserted anew, so that the oldest comes first.
    this.#counts.delete(inputId);
    this.#counts.set(inputId, { crashes, atMs: nowMs });
    return crashes;
  }

  count(inputId: string): number {
    return this.#counts.get(inputId)?.crashes ?? 0;
  }
}
