import type { RouteRecord } from '@gantry/protocol';
import { expect, test } from 'vitest';

import { RouteTable } from './route-table.ts';

function route(host: string, functionId = 'fu-1'): RouteRecord {
  return { host, functionId, appId: 'ap-1', method: '', ephemeral: false, createdAtMs: 0 };
}

test('a wildcard answers for one level, but for names that have a route of their own', () => {
  const routes = new RouteTable();
  routes.apply('route.1', route('*.example.com', 'fu-all'));
  routes.apply('route.2', route('api.example.com', 'fu-api'));
  expect(routes.find('shop.example.com')?.functionId).toBe('fu-all');
  expect(routes.find('api.example.com')?.functionId).toBe('fu-api');
  for (const host of ['example.com', 'a.b.example.com', 'com', '*.example.org']) {
    expect(routes.find(host)).toBeUndefined();
  }
});

test('a route follows its key: set, changed, removed', () => {
  const routes = new RouteTable();
  routes.apply('route.a', route('A.example'));
  expect(routes.find('a.example')?.functionId).toBe('fu-1');
  routes.apply('route.a', route('a.example', 'fu-2'));
  expect(routes.find('a.example')?.functionId).toBe('fu-2');
  routes.apply('route.a', undefined);
  expect(routes.find('a.example')).toBeUndefined();
});
