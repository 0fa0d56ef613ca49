import {
  type AutoscalerRecord,
  type FunctionOptionsSpec,
  type FunctionRecord,
  mergeSettings,
} from '@gantry/protocol';

/**
 * A function's record as one of its pools sees it: the options of the code, under those that callers replaced
 * for this pool, under live settings of the function and then of the pool, as far as they are of this version.
 */
export function effectiveRecord(
  record: FunctionRecord,
  replaced: FunctionOptionsSpec | undefined,
  live: readonly (AutoscalerRecord | undefined)[],
): FunctionRecord {
  const current = live.filter((settings) => settings?.version === record.version);
  if (!replaced && current.length === 0) return record;
  let options = mergeSettings(record.spec.options, replaced ?? {});
  for (const settings of current) options = mergeSettings(options, settings?.settings ?? {});
  return { ...record, spec: { ...record.spec, options } };
}

/** Inputs that the autoscaler plans for each container. */
export function targetInputsOf(options: FunctionOptionsSpec, defaultInputs: number): number {
  const perPlace = options.batching?.maxBatchSize ?? 1;
  const target = (options.targetInputs ?? options.maxInputs ?? defaultInputs) * perPlace;
  return Math.min(target, options.maxInputsPerContainer ?? target);
}
