import {
  assertAutoscalerSettings,
  type AutoscalerSettings,
  type FunctionStats,
  type PoolName,
} from '@gantry/protocol';

import type { FunctionTarget, Route } from './function-target.ts';

/** Changes live settings of what `target` names. See `RemoteFunction.updateAutoscaler`. */
export async function updateAutoscaler(target: FunctionTarget, settings: AutoscalerSettings): Promise<void> {
  assertAutoscalerSettings('updateAutoscaler', settings);
  const route = await target.resolve();
  const { tracker } = route.platform;
  await tracker.ask((requestId) => ({ type: 'autoscale', requestId, settings, ...poolOf(route) }));
}

/** How what `target` names is at this moment. */
export async function readStats(target: FunctionTarget): Promise<FunctionStats> {
  const route = await target.resolve();
  const { tracker } = route.platform;
  const stats = await tracker.ask((requestId) => ({ type: 'stats', requestId, ...poolOf(route) }));
  return stats as FunctionStats;
}

function poolOf({ lookup, parameters, options }: Route): PoolName {
  return { functionId: lookup.functionId, parameters, ...(options && { options }) };
}
