import { InvalidError } from './errors.ts';
import type { FunctionOptionsSpec } from './manifest.ts';
import { isInRange, OPTION_RANGES, type OptionRange } from './option-ranges.ts';
import type { ClassParameters } from './pool.ts';
import type { PoolOptions } from './pool-options.ts';

/** What can be changed of a live function's containers. What is left out stays as it is. */
export interface AutoscalerSettings {
  /** Containers kept even when idle. */
  minContainers?: number | undefined;
  /** Most containers at once. */
  maxContainers?: number | undefined;
  /** Extra idle containers, only while the function is in use. */
  bufferContainers?: number | undefined;
  /** How long an idle container is kept, 2 s to 20 min. */
  scaledownWindowMs?: number | undefined;
}

/** Live settings of a function or of one of its pools, under `autoscaler.<function>.<pool>`. */
export interface AutoscalerRecord {
  functionId: string;
  /** The function's id for settings that hold for all its pools. */
  pool: string;
  /** Of the pool, so that containers can be started for it. */
  parameters: ClassParameters;
  /** Options that callers replaced for the pool. */
  options?: PoolOptions | undefined;
  /** The settings count for this version of the app only: the next deploy ends them. */
  version: number;
  settings: AutoscalerSettings;
}

/** A function at this moment. */
export interface FunctionStats {
  /** Inputs that no container has yet. */
  backlog: number;
  /** Containers that start, serve or drain. */
  numTotalContainers: number;
  /** Inputs and web requests that run. */
  numRunningInputs: number;
}

/** Asks a server about a function, or about one of its pools. */
export interface StatsRequest {
  functionId: string;
  pool?: string | undefined;
}

const MOST_CONTAINERS = 100_000;
const RANGES: Record<keyof AutoscalerSettings, OptionRange> = {
  minContainers: { ...OPTION_RANGES.minContainers, max: MOST_CONTAINERS },
  maxContainers: { ...OPTION_RANGES.maxContainers, max: MOST_CONTAINERS },
  bufferContainers: { ...OPTION_RANGES.bufferContainers, max: MOST_CONTAINERS },
  scaledownWindowMs: OPTION_RANGES.scaledownWindowMs,
};

/**
 * Checks a change of settings by itself, and together with what it leaves as it is.
 *
 * @throws {@link InvalidError} on an unknown or out-of-range setting, or more `minContainers` than
 * `maxContainers`; the message names `subject`.
 */
export function assertAutoscalerSettings(
  subject: string,
  change: AutoscalerSettings,
  present: Pick<FunctionOptionsSpec, keyof AutoscalerSettings> = {},
): void {
  for (const [key, value] of Object.entries(change) as [string, unknown][]) {
    if (!Object.hasOwn(RANGES, key)) {
      throw new InvalidError(`${subject}: there is no setting "${key}"`, {
        hint: `Its settings: ${Object.keys(RANGES).join(', ')}.`,
      });
    }
    const range = RANGES[key as keyof AutoscalerSettings];
    if (value === undefined || isInRange(value, range)) continue;
    const { min, max, integer } = range;
    const kind = integer ? 'a whole number' : 'a number';
    throw new InvalidError(`${subject}: ${key} must be ${kind} from ${min} to ${max}, not ${String(value)}`);
  }
  const { minContainers = 0, maxContainers = Infinity } = mergeSettings(present, change);
  if (minContainers <= maxContainers) return;
  throw new InvalidError(
    `${subject}: minContainers (${minContainers}) is above maxContainers (${maxContainers})`,
    { hint: 'Change both, or the other one. What is left out keeps its present value.' },
  );
}

/** The later settings over the earlier ones; undefined changes nothing. */
export function mergeSettings<T extends object>(earlier: T, later: T): T {
  const said = Object.entries(later).filter(([, value]) => value !== undefined);
  return { ...earlier, ...Object.fromEntries(said) };
}
