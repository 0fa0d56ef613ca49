/** The numbers that an option may be. */
export interface OptionRange {
  readonly min: number;
  /** Infinity for no bound. */
  readonly max: number;
  readonly integer: boolean;
}

const DAY_MS = 24 * 3600 * 1000;
const between = (min: number, max: number): OptionRange => ({ min, max, integer: false });
const whole = (min: number, max = Number.POSITIVE_INFINITY): OptionRange => ({ min, max, integer: true });

/** Of the options of functions and classes that are numbers. */
export const OPTION_RANGES = {
  timeoutMs: between(10, DAY_MS),
  startupTimeoutMs: between(10, DAY_MS),
  minContainers: whole(0),
  maxContainers: whole(1),
  bufferContainers: whole(0),
  scaledownWindowMs: between(2_000, 20 * 60 * 1000),
  maxInputsPerContainer: whole(1),
  /** 3 TiB. */
  ephemeralDiskMiB: whole(1, 3_145_728),
} as const;

export const CONCURRENCY_RANGES = { maxInputs: whole(1), targetInputs: whole(1) } as const;

export const RETRY_RANGES = {
  maxRetries: whole(0, 10),
  initialDelayMs: between(0, 60_000),
  backoffCoefficient: between(1, 10),
  maxDelayMs: between(1_000, 60_000),
} as const;

export const BATCHING_RANGES = { maxBatchSize: whole(1, 1_000), waitMs: between(0, 600_000) } as const;

export const CLUSTER_RANGES = { size: whole(2, 64) } as const;

/** True for a finite number in the range. */
export function isInRange(value: unknown, { min, max, integer }: OptionRange): value is number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max) return false;
  return !integer || Number.isInteger(value);
}
