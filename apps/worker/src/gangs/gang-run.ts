import type { Outcome, RunnerToWorker } from '@gantry/protocol';

interface Part {
  /** Undefined where the code was interrupted for the sake of its container. */
  outcome: Outcome | undefined;
  startedAtMs: number;
  finishedAtMs: number;
}

/** One input in all containers of a gang. */
export class GangRun {
  readonly inputId: string;
  readonly size: number;
  readonly #startedAtMs = Date.now();
  readonly #parts = new Map<number, Part>();

  constructor(inputId: string, size: number) {
    this.inputId = inputId;
    this.size = size;
  }

  /** The code of a rank has ended. */
  take(
    rank: number,
    outcome: Outcome | undefined,
    times: { startedAtMs?: number; finishedAtMs: number },
  ): void {
    this.#parts.set(rank, { outcome, startedAtMs: this.#startedAtMs, ...times });
  }

  get isComplete(): boolean {
    return this.#parts.size === this.size;
  }

  get hasFailed(): boolean {
    return [...this.#parts.values()].some(({ outcome }) => outcome?.type !== 'value');
  }

  /** Ranks whose code goes on. */
  get missing(): number[] {
    return Array.from({ length: this.size }, (_, rank) => rank).filter((rank) => !this.#parts.has(rank));
  }

  /**
   * What came of it: what rank 0 returned, if all returned, else the failure that came first. What code throws that the
   * others leave comes later, and abort comes last. `interrupted` is for ranks that did not end by themselves.
   */
  output(interrupted: Outcome): Extract<RunnerToWorker, { type: 'output' }> {
    const finishedAtMs = Math.max(...Array.from(this.#parts.values(), (part) => part.finishedAtMs));
    const counted = this.#failure ?? this.#parts.get(0);
    const { outcome = interrupted, startedAtMs = this.#startedAtMs } = counted ?? {};
    return { type: 'output', inputId: this.inputId, outcome, startedAtMs, finishedAtMs };
  }

  get #failure(): Part | undefined {
    const failed = [...this.#parts.values()].filter(({ outcome }) => outcome?.type !== 'value');
    const ownFailures = failed.filter(({ outcome }) => outcome?.type === 'error');
    const [first] = (ownFailures.length > 0 ? ownFailures : failed).sort(
      (a, b) => a.finishedAtMs - b.finishedAtMs,
    );
    return first;
  }
}
