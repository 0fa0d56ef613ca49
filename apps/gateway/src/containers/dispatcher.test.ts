import type { WorkerStatus } from '@gantry/protocol';
import { expect, test } from 'vitest';

import { ContainerDirectory } from './container-directory.ts';
import { ContainerLink } from './container-link.ts';
import { DemandSignal } from './demand-signal.ts';
import { Dispatcher, type DispatchTarget } from './dispatcher.ts';

const TARGET: DispatchTarget = {
  ...{ pool: 'fu-1', functionId: 'fu-1', parameters: {}, functionName: 'f', version: 1, waitMs: 60_000 },
};

const NOBODY = {
  publish: () => undefined,
  subscribe: () => ({ stop: () => undefined }),
  request: () => Promise.reject(new Error('nobody is there')),
};

function open() {
  const containers = new ContainerDirectory(new ContainerLink(NOBODY));
  const demand = new DemandSignal({ publish: () => undefined });
  const functions = { get: () => undefined, onChange: () => ({ stop: () => undefined }) };
  const dispatcher = new Dispatcher(containers, demand, functions);
  const report = (maxInputs: number): void => {
    const shared = { containerId: 'ta-1', pool: 'fu-1', functionId: 'fu-1', appId: 'ap-1', version: 1 };
    const container = { ...shared, state: 'ready' as const, running: 0, maxInputs, startedAtMs: 0 };
    const status: WorkerStatus = {
      ...{ workerId: 'wk-1', hostname: 'a', startedAtMs: 1, draining: false },
      capacity: { cpu: 1, memoryMiB: 1 },
      containers: [{ ...container, httpSocketPath: '/nowhere' }],
    };
    containers.receive(status, 0);
  };
  const wait = (target = TARGET) => dispatcher.wait(target, { signal: new AbortController().signal });
  return { dispatcher, report, wait };
}

test('requests get containers in the order in which they came, each as soon as one is free', async () => {
  const { dispatcher, report, wait } = open();
  const served: number[] = [];
  const waiting = [1, 2, 3].map((each) => wait().then((entry) => (served.push(each), entry)));
  report(1);
  const first = await waiting[0];
  expect(served).toEqual([1]);
  // Who comes now must not overtake those who wait.
  expect(dispatcher.tryAcquire(TARGET)).toBeUndefined();
  if (first) dispatcher.release(first);
  await waiting[1];
  expect(served).toEqual([1, 2]);
  dispatcher.close();
  await expect(waiting[2]).rejects.toThrow('the gateway is stopping');
});

test('so many requests may wait for a pool that nobody waits for ever, and other pools do not notice', async () => {
  const { dispatcher, wait } = open();
  const waiting = Array.from({ length: 2_000 }, () => wait());
  await expect(wait()).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED', httpStatus: 429 });
  const other = wait({ ...TARGET, pool: 'fu-2', functionId: 'fu-2' });
  const settled = Promise.allSettled([...waiting, other]);
  dispatcher.close();
  expect((await settled).every(({ status }) => status === 'rejected')).toBe(true);
});
