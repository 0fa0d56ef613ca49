import { WORKER_DEAD_AFTER_MS, type ContainerStatus, type WorkerStatus } from '@gantry/protocol';
import { describe, expect, test } from 'vitest';

import { ContainerDirectory, type PoolChange } from './container-directory.ts';
import { ContainerLink } from './container-link.ts';

function container(fields: Partial<ContainerStatus> = {}): ContainerStatus {
  return {
    containerId: 'ta-1',
    pool: 'fu-1',
    functionId: 'fu-1',
    appId: 'ap-1',
    version: 1,
    state: 'ready',
    running: 0,
    maxInputs: 2,
    startedAtMs: 0,
    httpSocketPath: '/nowhere',
    ...fields,
  };
}

function worker(containers: ContainerStatus[], fields: Partial<WorkerStatus> = {}): WorkerStatus {
  const capacity = { cpu: 1, memoryMiB: 1 };
  return {
    workerId: 'wk-1',
    hostname: 'a',
    startedAtMs: 1,
    draining: false,
    capacity,
    containers,
    ...fields,
  };
}

const NOBODY = {
  publish: () => undefined,
  subscribe: () => ({ stop: () => undefined }),
  request: () => Promise.reject(new Error('nobody is there')),
};

function open() {
  const directory = new ContainerDirectory(new ContainerLink(NOBODY));
  const changes: PoolChange[] = [];
  directory.onChange((change) => changes.push(change));
  const usable = () => [...directory.inPool('fu-1')].filter((entry) => entry.isUsable);
  return { directory, changes, usable };
}

describe('ContainerDirectory', () => {
  test('knows what the last broadcast of each worker says', () => {
    const { directory, changes, usable } = open();
    directory.receive(worker([container(), container({ containerId: 'ta-2', state: 'starting' })]), 0);
    expect(usable()).toHaveLength(1);
    expect(changes).toEqual([{ pool: 'fu-1', type: 'ready' }]);
    directory.receive(worker([]), 1);
    expect(directory.inPool('fu-1').size).toBe(0);
  });

  test('forgets a worker that is silent for too long', () => {
    const { directory, usable } = open();
    directory.receive(worker([container()]), 0);
    directory.dropSilentWorkers(WORKER_DEAD_AFTER_MS);
    expect(usable()).toHaveLength(1);
    directory.dropSilentWorkers(WORKER_DEAD_AFTER_MS + 1);
    expect(usable()).toHaveLength(0);
  });

  test('gives nothing to a worker that drains', () => {
    const { directory, usable } = open();
    directory.receive(worker([container()], { draining: true }), 0);
    expect(usable()).toHaveLength(0);
  });

  test('ignores a late message of a worker that was started again', () => {
    const { directory, usable } = open();
    directory.receive(worker([container()], { startedAtMs: 2 }), 0);
    directory.receive(worker([], { startedAtMs: 1 }), 1);
    expect(usable()).toHaveLength(1);
  });

  test('tells once that a container failed to load', () => {
    const { directory, changes } = open();
    const stopped = container({ state: 'stopped', exit: { reason: 'loadFailed', code: 1, signal: null } });
    directory.receive(worker([container({ state: 'starting' })]), 0);
    directory.receive(worker([stopped]), 1);
    directory.receive(worker([stopped]), 2);
    expect(changes).toEqual([{ pool: 'fu-1', type: 'loadFailed', version: 1 }]);
  });

  test('counts inputs of others, and not its own requests twice', () => {
    const { directory, usable } = open();
    directory.receive(worker([container({ running: 1 })]), 0);
    const [entry] = usable();
    expect(entry?.load).toBe(1);
    entry?.acquire(10);
    expect(entry?.hasFreeSlot).toBe(false);
    directory.receive(worker([container({ running: 1 })]), 20);
    expect(entry?.load).toBe(1);
    entry?.release();
    // The report is a little late: the request it counts has ended.
    directory.receive(worker([container({ running: 1 })]), 30);
    expect(entry?.load).toBe(0);
  });
});
