import { idTimeMs, isId, newId } from '@gantry/protocol';
import { expect, it } from 'vitest';

import { functionId } from './function-ids.ts';

it('names a function the same at every deploy of its app, and differently in another app', () => {
  const app = newId('ap', 1_700_000_000_000);
  const id = functionId(app, 'square');
  expect(isId(id, 'fu')).toBe(true);
  expect(functionId(app, 'square')).toBe(id);
  expect(functionId(app, 'cube')).not.toBe(id);
  expect(functionId(newId('ap', 1_700_000_000_000), 'square')).not.toBe(id);
  expect(idTimeMs(id)).toBe(1_700_000_000_000);
});
