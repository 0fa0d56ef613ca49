import {
  type AutoscalerRecord,
  type FunctionOptionsSpec,
  type FunctionRecord,
  inheritedSettings,
  mergeSettings,
  type VolumeMount,
} from '@gantry/protocol';

/**
 * A function's record as one of its pools sees it, the nearer over the farther: the options of the code, live settings
 * of the function, options that callers replaced for this pool, live settings of the pool. Live settings count as far as
 * they are of this version. A pool with replaced options takes over no `minContainers`.
 */
export function effectiveRecord(
  record: FunctionRecord,
  replaced: FunctionOptionsSpec | undefined,
  [ofFunction, ofPool]: readonly [AutoscalerRecord | undefined, AutoscalerRecord | undefined],
): FunctionRecord {
  const [shared, own] = [ofFunction, ofPool].map((live) =>
    live?.version === record.version ? live.settings : undefined,
  );
  if (!replaced && !shared && !own) return record;
  const layers = [inheritedSettings(shared ?? {}, replaced), replaced ?? {}, own ?? {}];
  const code = inheritedSettings(record.spec.options, replaced);
  const options = layers.reduce<FunctionOptionsSpec>(mergeSettings, code);
  // Whoever replaced them has found them.
  const volumes = replaced?.volumes ? { volumes: replaced.volumes as VolumeMount[] } : {};
  return { ...record, ...volumes, spec: { ...record.spec, options } };
}

/** Inputs that the autoscaler plans for each container. */
export function targetInputsOf(options: FunctionOptionsSpec, defaultInputs: number): number {
  const perPlace = options.batching?.maxBatchSize ?? 1;
  const target = (options.targetInputs ?? options.maxInputs ?? defaultInputs) * perPlace;
  return Math.min(target, options.maxInputsPerContainer ?? target);
}
