import { WORKER_DEAD_AFTER_MS, type TunnelStatus, type WorkerStatus } from '@gantry/protocol';
import { beforeEach, describe, expect, test } from 'vitest';

import { TunnelDirectory } from './tunnel-directory.ts';

const TUNNEL: TunnelStatus = { id: 1, name: 't-abc', http2: false };

let events: string[];
let directory: TunnelDirectory;

beforeEach(() => {
  events = [];
  directory = new TunnelDirectory({
    onChanged: ({ name, tcpPort }) => events.push(`${name} at ${tcpPort}`),
    onClosed: (name) => events.push(`${name} closed`),
  });
});

function statusWith(tunnels: TunnelStatus[]): WorkerStatus {
  const container = {
    ...{ containerId: 'ta-1', pool: 'fu-1', functionId: 'fu-1', appId: 'ap-1', version: 1 },
    ...{
      state: 'ready' as const,
      running: 0,
      maxInputs: 1,
      startedAtMs: 0,
      httpSocketPath: '/a.sock',
      tunnels,
    },
  };
  return {
    ...{ workerId: 'wk-1', hostname: 'here', startedAtMs: 1, draining: false },
    ...{ capacity: { cpu: 1, memoryMiB: 1 }, containers: [container] },
  };
}

describe('the tunnels that a gateway knows', () => {
  test('are those that workers report, with the way to their containers', () => {
    directory.receive(statusWith([TUNNEL]), 0);
    const container = { workerId: 'wk-1', containerId: 'ta-1', httpSocketPath: '/a.sock' };
    expect(directory.find('t-abc')).toEqual({ ...TUNNEL, container });
    directory.receive(statusWith([]), 1);
    expect(directory.find('t-abc')).toBeUndefined();
  });

  test('tell of a port once, and of their end once', () => {
    const withPort = { ...TUNNEL, tcpPort: 7_000 };
    for (const tunnels of [[TUNNEL], [withPort], [withPort], [], []]) {
      directory.receive(statusWith(tunnels), 0);
    }
    expect(events).toEqual(['t-abc at undefined', 't-abc at 7000', 't-abc closed']);
  });

  test('end with their worker, when that is silent', () => {
    directory.receive(statusWith([TUNNEL]), 0);
    directory.dropSilentWorkers(WORKER_DEAD_AFTER_MS);
    expect(directory.find('t-abc')).toBeDefined();
    directory.dropSilentWorkers(WORKER_DEAD_AFTER_MS + 1);
    expect(directory.find('t-abc')).toBeUndefined();
    expect(events.at(-1)).toBe('t-abc closed');
  });

  test('that were asked for are closed by the first report without them', () => {
    const container = { workerId: 'wk-1', containerId: 'ta-1', httpSocketPath: '/a.sock' };
    directory.add({ ...container, tunnel: TUNNEL, unencrypted: false });
    expect(directory.find('t-abc')).toBeDefined();
    directory.receive(statusWith([]), 0);
    expect(directory.find('t-abc')).toBeUndefined();
  });
});
