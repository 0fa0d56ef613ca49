/** What containers took up, added up over time: of CPU and memory the larger of what was reserved and what was used. */
export interface Usage {
  containerSeconds: number;
  /** One core for one second is 1. */
  cpuSeconds: number;
  /** One GiB for one second is 1. */
  memoryGiBSeconds: number;
  /** By type, such as `H100`. */
  gpuSeconds: Record<string, number>;
}

export interface FunctionUsage extends Usage {
  /** By its id. */
  environment: string;
  appId: string;
  appName?: string | undefined;
  functionName: string;
}

/** What ran in one process of a worker in one hour, as far as it has come. */
export interface HourUsage {
  /** When the hour began. */
  hourMs: number;
  /** Names the process. */
  source: string;
  functions: FunctionUsage[];
}

/** A line of a report. */
export interface UsageRow extends Usage {
  /** When the hour or day began; undefined where the whole time is one line. */
  startMs?: number | undefined;
  appId: string;
  /** Undefined for an ephemeral app without a name. */
  appName?: string | undefined;
  functionName: string;
}

/** What one environment used in some time, whose limits are full hours. */
export interface UsageReport {
  environment: string;
  fromMs: number;
  /** Not included. */
  toMs: number;
  rows: UsageRow[];
}

/** In how many lines the time of a report is told. */
export const USAGE_PERIODS = ['total', 'day', 'hour'] as const;
export type UsagePeriod = (typeof USAGE_PERIODS)[number];

export const NO_USAGE: Usage = { containerSeconds: 0, cpuSeconds: 0, memoryGiBSeconds: 0, gpuSeconds: {} };

export function sumOfUsage(left: Usage, right: Usage): Usage {
  const gpuSeconds = { ...left.gpuSeconds };
  for (const [type, seconds] of Object.entries(right.gpuSeconds)) {
    gpuSeconds[type] = (gpuSeconds[type] ?? 0) + seconds;
  }
  return {
    containerSeconds: left.containerSeconds + right.containerSeconds,
    cpuSeconds: left.cpuSeconds + right.cpuSeconds,
    memoryGiBSeconds: left.memoryGiBSeconds + right.memoryGiBSeconds,
    gpuSeconds,
  };
}
