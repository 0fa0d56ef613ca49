import type { RouteRecord } from '@gantry/protocol';
import { expect, test } from 'vitest';

import { RouteTable } from './route-table.ts';

function route(host: string, functionId = 'fu-1'): RouteRecord {
  return { host, functionId, appId: 'ap-1', method: '', ephemeral: false, createdAtMs: 0 };
}

test('a route follows its key: set, changed, removed', () => {
  const routes = new RouteTable();
  routes.apply('route.a', route('A.example'));
  expect(routes.find('a.example')?.functionId).toBe('fu-1');
  routes.apply('route.a', route('a.example', 'fu-2'));
  expect(routes.find('a.example')?.functionId).toBe('fu-2');
  routes.apply('route.a', undefined);
  expect(routes.find('a.example')).toBeUndefined();
});
