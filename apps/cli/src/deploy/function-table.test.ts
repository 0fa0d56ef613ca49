import type { DeployReply, Manifest } from '@gantry/protocol';
import { expect, test } from 'vitest';

import { changeTexts, withPaths } from './function-table.ts';

const reply = {
  functions: [
    {
      id: 'fu-1',
      name: 'Shop',
      kind: 'class',
      urls: { item: 'https://shop-item.test', all: 'https://shop-all.test' },
    },
    { id: 'fu-2', name: 'square', kind: 'function', urls: {} },
  ],
} as unknown as DeployReply;

const manifest = {
  functions: [
    {
      name: 'Shop',
      methods: [
        { name: 'item', web: { type: 'endpoint', path: '/items/:id' } },
        { name: 'all', web: { type: 'endpoint' } },
      ],
    },
    { name: 'square', methods: [{ name: '' }] },
  ],
} as unknown as Manifest;

test('the address of an endpoint with a path is shown with it', () => {
  const [shop, square] = withPaths(reply, manifest).functions;
  expect(shop?.urls).toEqual({ item: 'https://shop-item.test/items/:id', all: 'https://shop-all.test' });
  expect(square?.urls).toEqual({});
});

test('another path is a change of address', () => {
  const before = withPaths(reply, { functions: [] } as unknown as Manifest);
  expect(changeTexts(before, withPaths(reply, manifest))).toEqual([
    '- Shop.item  https://shop-item.test',
    '+ Shop.item  https://shop-item.test/items/:id',
  ]);
});
