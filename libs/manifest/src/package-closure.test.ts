import { expect, test } from 'vitest';

import type { InstalledPackage, InstalledPackages, PackageJson } from './installed-packages.ts';
import { placePackages } from './package-closure.ts';

function aTree(tree: Record<string, Record<string, string>>): {
  packages: InstalledPackages;
  at(root: string): InstalledPackage;
} {
  const at = (root: string): InstalledPackage => {
    const dependencies = tree[root] ?? {};
    const [name = '', version = ''] = root.split('@');
    return { name, version, root, json: { dependencies } satisfies PackageJson };
  };
  const find = (name: string, root: string): InstalledPackage | undefined => {
    const version = tree[root]?.[name];
    return version === undefined ? undefined : at(`${name}@${version}`);
  };
  return { packages: { find } as unknown as InstalledPackages, at };
}

test('packages go to the top, and another version goes inside the package that needs it', () => {
  const { packages, at } = aTree({
    'a@1': { c: '1' },
    'b@1': { c: '2' },
    'c@1': {},
    'c@2': { d: '1' },
    'd@1': {},
  });

  const placed = placePackages([at('b@1'), at('a@1')], packages);

  expect(placed.map(({ path, version }) => `${path}@${version}`)).toEqual([
    'node_modules/a@1',
    'node_modules/b@1',
    'node_modules/b/node_modules/c@2',
    'node_modules/c@1',
    'node_modules/d@1',
  ]);
});

test('packages that need each other are placed once', () => {
  const { packages, at } = aTree({ 'a@1': { b: '1' }, 'b@1': { a: '1' } });

  expect(placePackages([at('a@1')], packages).map(({ path }) => path)).toEqual([
    'node_modules/a',
    'node_modules/b',
  ]);
});
