import type { AttachedFiles, BuildStep, Manifest } from '@gantry/protocol';
import { expect, test } from 'vitest';

import { mountedPaths, mountedTexts } from './mounted-paths.ts';

const archive = { path: 'files-0.tar.gz', digest: 'sha256-0', sizeBytes: 1 };

function added(remotePath: string, path: string, name = ''): AttachedFiles {
  return { archive, remotePath, origins: [{ path, name }] };
}

function buildOf(...images: { files?: AttachedFiles[]; copied?: AttachedFiles[] }[]): Manifest {
  const specs = images.map(({ files, copied = [] }) => ({
    steps: [{ type: 'debian' }, ...copied.map((each): BuildStep => ({ type: 'files', ...each }))],
    files,
  }));
  return { images: specs } as unknown as Manifest;
}

const textsOf = (manifest: Manifest) => mountedTexts({ manifest, source: 'src/app.ts' });

test('each local path is told once, with where containers find it, after the code itself', () => {
  const words = added('/w', 'data/words.txt', 'german.txt');
  const manifest = buildOf(
    { files: [words, added('.', 'libs/lib', 'sources/@acme/lib')], copied: [added('/srv', 'assets')] },
    { files: [added('data', 'data'), words, added('.', 'site')] },
  );

  expect(textsOf(manifest)).toEqual([
    'Mounted src/app.ts with what it imports, as the bundle',
    'Copied assets at /srv',
    'Mounted data/words.txt at /w/german.txt',
    'Mounted libs/lib at ./sources/@acme/lib',
    'Mounted data at ./data',
    'Mounted site at ./',
  ]);
});

test('more than ten lines end in how many more there are', () => {
  const files = Array.from({ length: 10 }, (_, at) => added('/data', `data/${at}.txt`, `${at}.txt`));

  expect(textsOf(buildOf({ files: files.slice(1) }))).toHaveLength(10);
  expect(textsOf(buildOf({ files })).slice(-2)).toEqual([
    'Mounted data/7.txt at /data/7.txt',
    '… and 2 more local paths',
  ]);
  expect(mountedPaths(buildOf({ files }))).toHaveLength(10);
});

test('builds that do not say what their archives are made of have no local paths', () => {
  expect(textsOf(buildOf({ files: [{ archive, remotePath: '/data' }] }))).toHaveLength(1);
});
