import { expect, it } from 'vitest';

import { ContainerHistory } from './container-history.ts';

it('inputs that ended are counted by how they did; cancelled ones are neither', () => {
  const history = new ContainerHistory({ wallMs: () => 0 } as never);
  expect(history.counts).toEqual({});
  history.inputEnded({ type: 'value', value: new Uint8Array() });
  history.inputEnded({ type: 'error', error: new Uint8Array() });
  for (const code of ['FUNCTION_TIMED_OUT', 'CANCELLED'] as const)
    history.inputEnded({ type: 'failure', failure: { code, name: 'Error', message: '' } });
  expect(history.counts).toEqual({ succeeded: 1, failed: 2 });
});
