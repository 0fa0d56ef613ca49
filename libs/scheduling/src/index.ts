export type { Action } from './round.ts';
export { Scheduler, type SchedulerOptions } from './scheduler.ts';
export {
  containersToStop,
  desiredContainers,
  type ScaleDownInput,
  type ScalingInput,
  type ServingContainer,
} from './scaling.ts';
export { describe as describeNeed, type MachineFacts, type Misfit, misfitOf } from './fit.ts';
export { chooseGpus } from './gpu-alternatives.ts';
export { isOfType } from './gpu-types.ts';
export {
  difference,
  hasRoom,
  machineResources,
  noResources,
  resourceNeed,
  type Resources,
  sum,
} from './placement.ts';
export { isWhere, traitsOf } from './whereabouts.ts';
export { type Metered, UsageLedger } from './usage-ledger.ts';
export { CrashHistory, type CrashLoop } from './crash-history.ts';
export type { BacklogCount } from './pool-state.ts';
export { assertSchedule, type FiringPosition, nextFiring } from './schedule-ticks.ts';
export {
  CATCH_UP_MS,
  LATEST_START_MS,
  type MissedTicks,
  planTicks,
  type TickPlan,
  type TickQuestion,
} from './tick-policy.ts';
