import type { ContainerStatus, WorkerStatus } from '@gantry/protocol';
import { beforeEach, expect, it } from 'vitest';

import { InputCounts } from './input-counts.ts';

let report: (workerId: string, ...containers: Partial<ContainerStatus>[]) => void;
let counts: InputCounts;

beforeEach(() => {
  counts = new InputCounts({
    onStatus(listener) {
      report = (workerId, ...containers) =>
        listener({ workerId, containers: containers as ContainerStatus[] } as WorkerStatus);
      return { stop: () => undefined };
    },
  });
});

it('inputs count once, however often their container is reported', () => {
  report('wk-1', { containerId: 'ta-1', functionId: 'fu-1', succeeded: 2 });
  report('wk-1', { containerId: 'ta-1', functionId: 'fu-1', succeeded: 5, failed: 1 });
  report('wk-1', { containerId: 'ta-1', functionId: 'fu-1', succeeded: 5, failed: 1 });
  expect(counts.of('fu-1')).toEqual({ succeeded: 5, failed: 1 });
});

it('those of containers that are gone stay, and those of all machines are added up', () => {
  report(
    'wk-1',
    { containerId: 'ta-1', functionId: 'fu-1', succeeded: 5 },
    { containerId: 'ta-2', functionId: 'fu-2' },
  );
  report('wk-2', { containerId: 'ta-3', functionId: 'fu-1', failed: 2 });
  report('wk-1');
  report('wk-1', { containerId: 'ta-4', functionId: 'fu-1', succeeded: 1 });
  expect(counts.of('fu-1')).toEqual({ succeeded: 6, failed: 2 });
  expect(counts.of('fu-2')).toEqual({ succeeded: 0, failed: 0 });
});
