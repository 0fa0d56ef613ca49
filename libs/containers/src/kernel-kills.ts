import { readFileSync } from 'node:fs';

const SAMPLE_MS = 1_000;

/**
 * Tells deaths for want of memory from other deaths by SIGKILL. The kernel does not say whom it killed, but it
 * counts: a process that was killed while the counter moved is taken for the one.
 *
 * Invariants
 *   O1. Each kill that the kernel counts explains one death.
 *   O2. A kill explains deaths of the next one to two seconds only: later ones have another cause.
 */
export class KernelKills {
  readonly #read: () => number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #explained: number | undefined;
  #sampled: number | undefined;

  constructor(read: () => number | undefined = readKernelKills) {
    this.#read = read;
    this.#explained = this.#sampled = read();
    // Where nothing is counted, nothing is watched.
    if (this.#explained !== undefined) this.#timer = setInterval(() => this.sample(), SAMPLE_MS).unref();
  }

  /** True if the kernel killed something a moment ago that no death has been explained with. */
  claim(): boolean {
    const count = this.#read();
    if (count === undefined || this.#explained === undefined || count <= this.#explained) return false;
    this.#explained++;
    return true;
  }

  /** One turn of the timer. */
  sample(): void {
    this.#explained = Math.max(this.#explained ?? 0, this.#sampled ?? 0);
    this.#sampled = this.#read();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

/** How many processes the kernel has killed for want of memory, of the machine or of a group; undefined off Linux. */
export function readKernelKills(path = '/proc/vmstat'): number | undefined {
  try {
    const found = /^oom_kill (\d+)$/m.exec(readFileSync(path, 'utf8'));
    return found ? Number(found[1]) : undefined;
  } catch {
    return undefined;
  }
}
