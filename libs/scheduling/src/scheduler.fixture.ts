import type { ContainerStatus, FunctionOptionsSpec, FunctionRecord, WorkerStatus } from '@gantry/protocol';

import type { Action } from './round.ts';

const FILE = { digest: 'sha256-0', sizeBytes: 1 };

/** How a container is reported that was started a moment ago. */
export function startedStatus(
  containerId: string,
  { record: { id, appId, version, spec }, atMs }: { record: FunctionRecord; atMs: number },
): ContainerStatus {
  return {
    ...{ containerId, pool: id, functionId: id, appId, version },
    ...{ state: 'starting', running: 0, maxInputs: spec.options.maxInputs ?? 1 },
    ...{ startedAtMs: atMs, httpSocketPath: '' },
  };
}

/** The record of `fu-1`, or of another function. */
export function record(
  options: FunctionOptionsSpec = {},
  changes: Partial<FunctionRecord> = {},
): FunctionRecord {
  return {
    id: 'fu-1',
    appId: 'ap-1',
    environment: 'main',
    version: 1,
    spec: {
      name: 'f',
      kind: 'function',
      site: { file: 'a.ts', line: 1 },
      options,
      methods: [],
      parameters: [],
      hooks: { enter: [], exit: [] },
    },
    bundle: FILE,
    sourceMap: FILE,
    urls: {},
    ...changes,
  };
}

/** What a machine with 4 cores reports. */
export function worker(
  containers: Partial<ContainerStatus>[] = [],
  changes: Partial<WorkerStatus> = {},
): WorkerStatus {
  return {
    workerId: 'wk-1',
    hostname: 'h',
    startedAtMs: 0,
    draining: false,
    capacity: { cpu: 4, memoryMiB: 4_096 },
    containers: containers.map((container) => ({
      containerId: 'c1',
      pool: 'fu-1',
      functionId: 'fu-1',
      appId: 'ap-1',
      version: 1,
      state: 'ready',
      running: 0,
      maxInputs: 1,
      startedAtMs: 0,
      readyAtMs: container.state === 'starting' ? undefined : 1,
      httpSocketPath: '',
      ...container,
    })),
    ...changes,
  };
}

export function demand(inputs: number, waitingRequests = 0) {
  return { pool: 'fu-1', functionId: 'fu-1', parameters: {}, inputs, waitingRequests, from: 'server' };
}

export const starts = (actions: Action[]) => actions.filter(({ type }) => type === 'start');
export const stops = (actions: Action[]) => actions.filter(({ type }) => type === 'stop');
export const POOL = { pool: 'fu-1', functionId: 'fu-1' };
