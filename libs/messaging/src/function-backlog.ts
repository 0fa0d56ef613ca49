import { type PoolRecord, registryKeys } from '@gantry/protocol';

import type { Messaging } from './messaging.ts';
import type { FunctionBacklog } from './pending-limit.ts';

/** All pools a function has, or may have, inputs in: each is recorded before its first input is stored. */
export async function poolsOfFunction(
  { registry }: Pick<Messaging, 'registry'>,
  functionId: string,
): Promise<string[]> {
  const listed = await registry.list<PoolRecord>(registryKeys.functionPools(functionId));
  return [functionId, ...listed.map(({ value }) => value.pool)];
}

/** How much work a function has in all its pools. */
export async function functionBacklog(messaging: Messaging, functionId: string): Promise<FunctionBacklog> {
  const pools = await poolsOfFunction(messaging, functionId);
  const backlogs = await Promise.all(pools.map((pool) => messaging.inputs.backlog(pool)));
  return {
    waiting: backlogs.reduce((sum, { waiting }) => sum + waiting, 0),
    delivered: backlogs.reduce((sum, { delivered }) => sum + delivered, 0),
    pools: pools.length,
  };
}
