import type {
  AppRecord,
  ContainerStatus,
  DemandMessage,
  FunctionRecord,
  WorkerStatus,
} from '@gantry/protocol';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { fn } from '../testing/test-client.ts';
import { DetachedApps } from './detached-apps.ts';

const FUNCTION_ID = `fu-${'0'.repeat(22)}`;

function app(state: AppRecord['state']): AppRecord {
  return { id: 'ap-1', environment: 'main', state, version: 1, createdAtMs: 0 };
}

describe('a detached app', () => {
  let apps: AppRecord[];
  let backlogs: { pool: string; backlog: { waiting: number; delivered: number } }[];
  let record: FunctionRecord;
  let report: (container: Partial<ContainerStatus>) => void;
  let demand: (message: Partial<DemandMessage>) => void;
  let detached: DetachedApps;

  beforeEach(() => {
    vi.useFakeTimers();
    apps = [app('detached')];
    backlogs = [];
    const file = { digest: 'sha256-0', sizeBytes: 1 };
    record = {
      ...{ id: FUNCTION_ID, appId: 'ap-1', environment: 'main', version: 1, spec: fn('f') },
      ...{ bundle: file, sourceMap: file, urls: {} },
    };
    detached = new DetachedApps({
      messaging: {
        inputs: { backlogs: async () => backlogs },
        subscribe: (_subject, listener) => {
          demand = (message) => listener({ functionId: FUNCTION_ID, inputs: 0, ...message } as DemandMessage);
          return { stop: () => undefined };
        },
      },
      functions: { get: () => record, all: () => [record] },
      apps: { all: () => apps },
      workers: {
        onStatus: (listener) => {
          report = (container) =>
            listener({
              containers: [{ containerId: 'ta-1', appId: 'ap-1', state: 'ready', ...container }],
            } as WorkerStatus);
          return { stop: () => undefined };
        },
      },
    });
  });

  async function isDoneAfter(ms: number, alive: string[] = []): Promise<boolean> {
    await vi.advanceTimersByTimeAsync(ms);
    return (await detached.findDone(new Set(alive))).length > 0;
  }

  it('is done when nothing waited or ran for 10 s', async () => {
    expect(await isDoneAfter(0)).toBe(false);
    expect(await isDoneAfter(9_900)).toBe(false);
    expect(await isDoneAfter(100)).toBe(true);
  });

  it('is not done while inputs wait or are delivered', async () => {
    backlogs = [{ pool: `${FUNCTION_ID}-0123456789abcdef`, backlog: { waiting: 0, delivered: 1 } }];
    for (let i = 0; i < 10; i++) expect(await isDoneAfter(3_000)).toBe(false);
    backlogs = [];
    expect(await isDoneAfter(10_000)).toBe(true);
  });

  it('is not done while containers run something, or did so between two reports', async () => {
    await isDoneAfter(0);
    for (let i = 0; i < 10; i++) {
      report({ running: 1, idleSinceMs: undefined });
      expect(await isDoneAfter(9_000)).toBe(false);
      report({ running: 0, idleSinceMs: i });
      expect(await isDoneAfter(9_000)).toBe(false);
    }
    report({ running: 0, idleSinceMs: 9 });
    expect(await isDoneAfter(1_000)).toBe(true);
  });

  it('is not done while demand is announced, or its client is there', async () => {
    await isDoneAfter(0);
    demand({ waitingRequests: 1 });
    await vi.advanceTimersByTimeAsync(8_000);
    demand({ inputs: 1, waitingRequests: 0 });
    expect(await isDoneAfter(8_000)).toBe(false);
    expect(await isDoneAfter(9_000, ['ap-1'])).toBe(false);
    demand({ inputs: 0, waitingRequests: 0 });
    expect(await isDoneAfter(10_000)).toBe(true);
  });

  it('with web endpoints is done when they were not used for five minutes', async () => {
    record = { ...record, urls: { '': 'https://x.gantry.localhost' } };
    await isDoneAfter(0);
    expect(await isDoneAfter(200_000)).toBe(false);
    report({ running: 1 });
    expect(await isDoneAfter(299_000)).toBe(false);
    expect(await isDoneAfter(1_000)).toBe(true);
  });

  it('alone ends this way', async () => {
    for (const state of ['deployed', 'ephemeral', 'stopped'] as const) {
      apps = [app(state)];
      await isDoneAfter(0);
      expect(await isDoneAfter(400_000)).toBe(false);
    }
  });
});
