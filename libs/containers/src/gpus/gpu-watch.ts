import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

import type { GpuUse } from '@gantry/protocol';

const FIELDS = 'index,utilization.gpu,memory.used,power.draw,power.limit,temperature.gpu';
const INTERVAL_S = 5;
const RESTART_MS = 60_000;

/**
 * Follows how the GPUs of this machine are: one `nvidia-smi` runs all the time and writes a line for each every few
 * seconds, which costs next to nothing. Where it ends, it is started again a minute later.
 *
 * @example
 * ```ts
 * using watch = new GpuWatch();
 * watch.start();
 * watch.use; // [{ index: 0, busy: 0.93, memoryUsedMiB: 40_211, … }], once it has written
 * ```
 */
export class GpuWatch implements Disposable {
  readonly #latest = new Map<number, GpuUse>();
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** As last written. */
  get use(): GpuUse[] {
    return [...this.#latest.values()];
  }

  start(): void {
    const words = [`--query-gpu=${FIELDS}`, '--format=csv,noheader,nounits', '-l', String(INTERVAL_S)];
    const child = spawn('nvidia-smi', words, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const use = parseGpuUse(line);
      if (use) this.#latest.set(use.index, use);
    });
    // It closes also when it could not be started.
    child.on('error', () => undefined);
    child.once('close', () => {
      this.#latest.clear();
      if (!this.#isClosed) this.#restart = setTimeout(() => this.start(), RESTART_MS).unref();
    });
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    clearTimeout(this.#restart);
    this.#child?.kill();
  }
}

/** A line of index, percent, MiB, watts, watts, degrees; undefined for another one. */
export function parseGpuUse(line: string): GpuUse | undefined {
  const [index, percent, memoryUsedMiB, powerWatts, powerLimitWatts, temperatureCelsius] = line
    .split(',')
    .map((part) => (/^\d+(\.\d+)?$/.test(part.trim()) ? Number(part) : undefined));
  if (index === undefined) return undefined;
  const busy = percent === undefined ? undefined : percent / 100;
  return { index, busy, memoryUsedMiB, powerWatts, powerLimitWatts, temperatureCelsius };
}
