import { encodeFrame, type ContainerStatus } from '@gantry/protocol';
import { expect, it } from 'vitest';

import { withinBudget } from './exit-budget.ts';

function ended(containerId: string, message: string, errorBytes: number): ContainerStatus {
  const exit = {
    reason: 'loadFailed',
    code: 1,
    signal: null,
    message,
    error: new Uint8Array(errorBytes),
  } as const;
  return {
    ...{ containerId, pool: 'fu-1', functionId: 'fu-1', appId: 'ap-1', version: 1, state: 'stopped', exit },
    ...{ running: 0, maxInputs: 1, startedAtMs: 1, httpSocketPath: '' },
  };
}

it('tells a few ends in full', () => {
  const containers = [ended('ta-1', 'why', 60_000), ended('ta-2', 'x'.repeat(100_000), 60_000)];
  expect(withinBudget(containers)).toEqual(containers);
});

it('keeps the report of a thousand ends within a message, and tells the reason of each', () => {
  const containers = Array.from({ length: 1_000 }, (_, index) =>
    ended(`ta-${index}`, 'é'.repeat(90_000), 60_000),
  );
  const told = withinBudget(containers);
  expect(encodeFrame(told).length).toBeLessThan(1024 ** 2);
  expect(told[0]).toEqual(containers[0]);
  expect(told.map(({ exit }) => exit?.message?.slice(0, 5))).toEqual(containers.map(() => 'ééééé'));
});
