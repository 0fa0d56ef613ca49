import type { ContainerUse } from '@gantry/containers';
import type { ContainerExit } from '@gantry/protocol';

const CHECK_MS = 250;
const BYTES_PER_MIB = 1024 * 1024;

/** What the check has to know of a container. */
export interface Remembering {
  readonly use: Pick<ContainerUse, 'memoryBytes'> | undefined;
  /** What they may hold; undefined for no limit. */
  readonly memoryLimitMiB: number | undefined;
  kill(reason: ContainerExit['reason'], message: string): void;
}

/** Kills containers that hold more memory than their limit, where no kernel does it. */
export class MemoryCheck {
  readonly #containers: () => Iterable<Remembering>;
  #timer: NodeJS.Timeout | undefined;

  constructor(containers: () => Iterable<Remembering>) {
    this.#containers = containers;
  }

  start(): void {
    this.#timer = setInterval(() => this.check(), CHECK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  check(): void {
    for (const container of this.#containers()) {
      const { memoryLimitMiB } = container;
      // Reading costs something: only where there is a limit.
      const usedMiB = memoryLimitMiB === undefined ? 0 : (container.use?.memoryBytes ?? 0) / BYTES_PER_MIB;
      if (memoryLimitMiB === undefined || usedMiB <= memoryLimitMiB) continue;
      const message = `it held ${Math.round(usedMiB)} MiB of memory, and its limit is ${memoryLimitMiB} MiB`;
      container.kill('outOfMemory', message);
    }
  }
}
