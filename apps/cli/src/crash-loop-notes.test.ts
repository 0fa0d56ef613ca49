import type { AppSummary, FunctionSummary } from '@gantry/protocol';
import { expect, it } from 'vitest';

import { crashLoopNotes } from './crash-loop-notes.ts';

function app(functions: Pick<FunctionSummary, 'name' | 'crashLoop'>[]): AppSummary {
  return {
    ...{ id: 'ap-1', name: 'shop', environment: 'main', state: 'deployed', version: 1, containers: 0 },
    createdAtMs: 0,
    pagePath: '/apps/local/main/shop',
    functions: functions.map((one) => ({ id: 'fu-1', kind: 'function', urls: {}, ...one })),
  };
}

it('says of each function that crash-loops how often, when it goes on and why', () => {
  const crashLoop = { failures: 4, message: 'Error: no database\n    at app.ts:3', nextStartAtMs: 12_300 };
  const apps = [
    app([{ name: 'fine' }, { name: 'pay', crashLoop }]),
    app([{ name: 'mail', crashLoop: { ...crashLoop, nextStartAtMs: 5_000 } }]),
  ];
  expect(crashLoopNotes(apps, 10_000)).toEqual([
    '"pay" of shop is crash-looping: 4 containers failed, the next starts in 3 s. Error: no database',
    '"mail" of shop is crash-looping: 4 containers failed, the next starts now. Error: no database',
  ]);
});
