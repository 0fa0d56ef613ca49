import type { DeployReply, Manifest } from '@gantry/protocol';
import { expect, test } from 'vitest';

import { createStyle } from '../terminal/style.ts';
import { changeTexts, deployedTable, withPaths } from './function-table.ts';

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
  const before = { reply, manifest };
  expect(changeTexts(before, { reply: withPaths(reply, manifest), manifest })).toEqual([
    '- Shop.item  https://shop-item.test',
    '+ Shop.item  https://shop-item.test/items/:id',
  ]);
});

test('another local path in an image is a change, too', () => {
  const archive = { path: 'files-0.tar.gz', digest: 'sha256-0', sizeBytes: 1 };
  const withFiles = (path: string) =>
    ({
      functions: [],
      images: [{ files: [{ archive, remotePath: '/data', origins: [{ path, name: '' }] }], steps: [] }],
    }) as unknown as Manifest;
  expect(changeTexts({ reply, manifest: withFiles('old') }, { reply, manifest: withFiles('data') })).toEqual([
    '- Mounted old at /data',
    '+ Mounted data at /data',
  ]);
});

test('domains of their own are shown below the address of a function, with its port and path', () => {
  const customDomains = ['shop.example.com', '*.example.com'];
  const method = { name: '', web: { type: 'endpoint', path: '/pay', customDomains } };
  const build = { functions: [{ name: 'pay', methods: [method] }] } as unknown as Manifest;
  const url = 'https://local--shop-pay.gantry.localhost:8443';
  const deployed = { functions: [{ id: 'fu-1', name: 'pay', kind: 'function', urls: { '': url } }] };
  const table = deployedTable(
    withPaths(deployed as unknown as DeployReply, build),
    createStyle(false),
    build,
  );
  expect(table.slice(-3).map((line) => line.trim().split(/ +/).at(-1))).toEqual([
    'https://local--shop-pay.gantry.localhost:8443/pay',
    'https://shop.example.com:8443/pay',
    'https://*.example.com:8443/pay',
  ]);
});
