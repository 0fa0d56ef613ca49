import { expect, it } from 'vitest';

import { saysOwnNode } from './own-node.ts';

it.each([
  ['24.1.0', true],
  ['22', true],
  ['22.12.0', true],
  ['22.11.0', false],
  ['20.19.1', false],
  ['lts', false],
  [undefined, false],
])('functions of an image with NODE_VERSION=%s run in its own Node: %s', (version, isOwn) => {
  expect(saysOwnNode(version === undefined ? {} : { NODE_VERSION: version })).toBe(isOwn);
});
