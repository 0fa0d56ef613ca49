import type { RunRecord, ScheduleSpec } from './schedule.ts';

/** A schedule as the control API shows it. */
export interface ScheduleSummary {
  functionId: string;
  functionName: string;
  schedule: ScheduleSpec;
  /** When it is due next. */
  nextMs?: number | undefined;
  /** Newest first. */
  runs: RunSummary[];
}

/** One run of a scheduled function, or a tick that called nothing. */
export interface RunSummary {
  /** When it was due. */
  tickMs: number;
  kind: RunRecord['kind'];
  callId?: string | undefined;
  /** `running` while the call is unfinished, in the queue or in a container; `none` for missed and skipped ticks. */
  outcome: 'running' | 'succeeded' | 'failed' | 'none';
  /** From the start of the last attempt to its end. */
  durationMs?: number | undefined;
  /** What failed, or why nothing was called. */
  message?: string | undefined;
  /** How many ticks a `missed` entry stands for. */
  ticks?: number | undefined;
}
