import { expect, it } from 'vitest';

import { appsPath, readRoute, safeTarget } from './routes.ts';

it('an address says what it shows', () => {
  const read = (path: string) => {
    const { pathname, search } = new URL(path, 'http://server');
    return readRoute(pathname, search);
  };
  expect(read('/apps')).toEqual({ page: 'apps' });
  expect(read(appsPath('acme', 'a b'))).toEqual({ page: 'apps', workspace: 'acme', environment: 'a b' });
  expect(read('/apps/acme/main/shop?tab=logs')).toEqual({
    ...{ page: 'app', workspace: 'acme', environment: 'main', app: 'shop', tab: 'logs' },
  });
  expect(read('/apps/ap-1?tab=nothing')).toMatchObject({ page: 'app', app: 'ap-1', tab: 'overview' });
  expect(read('/apps/ap-1/main/shop')).toMatchObject({ workspace: 'ap-1', app: 'shop' });
  expect(read('/sign-in')).toEqual({ page: 'signIn' });
  expect(readRoute('/apps/acme/main/%E0%A4%A', '')).toMatchObject({ app: '%E0%A4%A' });
});

it('signing in leads to a page of the dashboard, and nowhere else', () => {
  for (const path of ['/apps', '/apps/acme/main/shop?tab=logs', '/apps/ap-1'])
    expect(safeTarget(path)).toBe(path);
  const others = [
    '//evil.example',
    'https://evil.example/apps',
    '/appsx',
    '/apps\\@evil.example',
    '/v1/apps',
  ];
  for (const path of [...others, 'javascript:alert(1)', '', null]) expect(safeTarget(path)).toBe('/apps');
});
