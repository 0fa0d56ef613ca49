import {
  type FunctionRecord,
  type FunctionUsage,
  type HourUsage,
  NO_USAGE,
  sumOfUsage,
  type Usage,
} from '@gantry/protocol';

import { resourceNeed } from './placement.ts';

const HOUR_MS = 3_600_000;
const MIB_PER_GIB = 1024;
const BYTES_PER_MIB = 1024 ** 2;

/** A container whose use is counted. */
export interface Metered {
  readonly record: Pick<FunctionRecord, 'id' | 'environment' | 'appId' | 'appName' | 'spec'>;
  /** Types of the GPUs that it has. */
  readonly gpuTypes: readonly string[];
  /** What its processes have used of CPU so far, where that can be told. */
  readonly cpuTimeMs: number | undefined;
  /** What they have in memory now, where that can be told. */
  readonly memoryBytes: number | undefined;
}

interface Reading {
  atMs: number;
  cpuTimeMs: number;
}

/**
 * Adds up what containers take up: between two readings, of CPU and of memory each the larger of what was reserved and what
 * was used. Times are of a clock that only grows, but for those that say which hour it is.
 *
 * @example
 * ```ts
 * const ledger = new UsageLedger('wk-1');
 * ledger.began(container, { nowMs: 0 });
 * ledger.read(container, { nowMs: 5_000, wallMs: Date.now() });
 * ledger.hours(); // [{ hourMs, source: 'wk-1', functions: [{ containerSeconds: 5, … }] }]
 * ```
 */
export class UsageLedger {
  readonly #source: string;
  readonly #readings = new Map<Metered, Reading>();
  /** By hour, then by function. */
  readonly #hours = new Map<number, Map<string, FunctionUsage>>();

  constructor(source: string) {
    this.#source = source;
  }

  began(container: Metered, { nowMs }: { nowMs: number }): void {
    this.#readings.set(container, { atMs: nowMs, cpuTimeMs: container.cpuTimeMs ?? 0 });
  }

  /** Counts what was taken up since the last reading. No effect on one that has not begun, or has ended. */
  read(container: Metered, { nowMs, wallMs }: { nowMs: number; wallMs: number }): void {
    const before = this.#readings.get(container);
    if (!before) return;
    const cpuTimeMs = Math.max(before.cpuTimeMs, container.cpuTimeMs ?? 0);
    this.#readings.set(container, { atMs: nowMs, cpuTimeMs });
    const elapsedMs = Math.max(0, nowMs - before.atMs);
    this.#add(container.record, usageOf(container, elapsedMs, cpuTimeMs - before.cpuTimeMs), wallMs);
  }

  ended(container: Metered, at: { nowMs: number; wallMs: number }): void {
    this.read(container, at);
    this.#readings.delete(container);
  }

  readAll(at: { nowMs: number; wallMs: number }): void {
    for (const container of this.#readings.keys()) this.read(container, at);
  }

  /** What every hour came to that was not forgotten. */
  hours(): HourUsage[] {
    return [...this.#hours].map(([hourMs, functions]) => ({
      ...{ hourMs, source: this.#source },
      functions: [...functions.values()],
    }));
  }

  /** Forgets an hour that is over, once it is kept elsewhere. What is counted for it later would replace that. */
  forget(hourMs: number, wallMs: number): void {
    if (hourOf(wallMs) > hourMs) this.#hours.delete(hourMs);
  }

  #add(record: Metered['record'], usage: Usage, wallMs: number): void {
    const hourMs = hourOf(wallMs);
    const functions = this.#hours.get(hourMs) ?? new Map<string, FunctionUsage>();
    this.#hours.set(hourMs, functions);
    const { id, environment, appId, appName, spec } = record;
    const sum = sumOfUsage(functions.get(id) ?? NO_USAGE, usage);
    functions.set(id, { ...sum, environment, appId, appName, functionName: spec.name });
  }
}

function usageOf({ record, gpuTypes, memoryBytes = 0 }: Metered, elapsedMs: number, cpuMs: number): Usage {
  const reserved = resourceNeed(record.spec.options);
  const seconds = elapsedMs / 1_000;
  const memoryMiB = Math.max(reserved.memoryMiB, memoryBytes / BYTES_PER_MIB);
  const gpuSeconds: Record<string, number> = {};
  for (const type of gpuTypes) gpuSeconds[type] = (gpuSeconds[type] ?? 0) + seconds;
  return {
    containerSeconds: seconds,
    cpuSeconds: Math.max(reserved.cpu * seconds, cpuMs / 1_000),
    memoryGiBSeconds: (memoryMiB / MIB_PER_GIB) * seconds,
    gpuSeconds,
  };
}

function hourOf(wallMs: number): number {
  return Math.floor(wallMs / HOUR_MS) * HOUR_MS;
}
