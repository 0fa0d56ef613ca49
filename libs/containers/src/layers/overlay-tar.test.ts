import { buffer } from 'node:stream/consumers';

import { describe, expect, it } from 'vitest';

import { overlayTar } from './overlay-tar.ts';
import { inPieces, membersOf, tarOf, type Member } from './tar.fixture.ts';
import { TarReader } from './tar-reader.ts';

const SHIFT = 100_000;

const rewrite = (...members: Member[]) =>
  membersOf(overlayTar(inPieces(tarOf(...members)), { idShift: SHIFT }));
const paths = async (...members: Member[]) => (await rewrite(...members)).map(({ path }) => path);

/** Paths of the members that are opaque. */
async function opaque(...members: Member[]): Promise<string[]> {
  const bytes = await buffer(overlayTar(inPieces(tarOf(...members)), { idShift: SHIFT }));
  return [
    ...bytes
      .toString('latin1')
      .matchAll(/ path=(.*)\n(?:.*\n){0,5}?\d+ SCHILY.xattr.trusted.overlay.opaque=y\n/g),
  ].map(([, path = '']) => path);
}

describe('the archive for an overlay', () => {
  it('has the files, folders and links of the layer, with ids shifted', async () => {
    const members = await rewrite(
      { path: './', type: '5', mode: 0o755 },
      { path: './bin/', type: '5', mode: 0o755, uid: 7, gid: 8 },
      { path: './bin/tool', content: 'x'.repeat(3000), mode: 0o4755, uid: 1000, mtime: '12.5' },
      { path: './bin/same', type: '1', linkPath: './bin/tool' },
      { path: './sh', type: '2', linkPath: '/bin/tool' },
    );
    expect(members.map(({ path, type, uid, gid }) => [path, type, uid, gid])).toEqual([
      ['.', '5', SHIFT, SHIFT],
      ['bin', '5', SHIFT + 7, SHIFT + 8],
      ['bin/tool', '0', SHIFT + 1000, SHIFT],
      ['bin/same', '1', SHIFT, SHIFT],
      ['sh', '2', SHIFT, SHIFT],
    ]);
    expect(members[2]).toMatchObject({ content: 'x'.repeat(3000), mode: 0o4755, mtime: '12.5' });
    expect(members[3]?.linkPath).toBe('bin/tool');
    expect(members[4]?.linkPath).toBe('/bin/tool');
  });

  it('has every folder before what is in it, owned by the root user if the layer does not say', async () => {
    const members = await rewrite({ path: 'a/b/file', content: '1' }, { path: 'a/b', type: '5', uid: 5 });
    expect(members.map(({ path, type, uid }) => [path, type, uid])).toEqual([
      ['a', '5', SHIFT],
      ['a/b', '5', SHIFT],
      ['a/b/file', '0', SHIFT],
      ['a/b', '5', SHIFT + 5],
    ]);
  });

  it('keeps names that are long, or not UTF-8, as they are', async () => {
    const long = `${'long/'.repeat(60)}\xff\xfe.txt`;
    expect((await paths({ path: long })).at(-1)).toBe(long);
  });

  it('has all of it under a folder, if there is one to be, with hard links', async () => {
    const archive = inPieces(tarOf({ path: './a' }, { path: 'b', type: '1', linkPath: 'a' }));
    const members = await membersOf(overlayTar(archive, { idShift: SHIFT, under: '/srv/app' }));
    expect(members.map(({ path, linkPath }) => [path, linkPath])).toEqual([
      ['srv', ''],
      ['srv/app', ''],
      ['srv/app/a', ''],
      ['srv/app/b', 'srv/app/a'],
    ]);
  });

  it('has no owner outside of the ids of containers', async () => {
    const [file] = await rewrite({ path: 'file', uid: 3_000_000, gid: -5 });
    expect(file).toMatchObject({ uid: SHIFT + 65_535, gid: SHIFT + 65_535 });
  });

  it('leaves out devices, and what follows is intact', async () => {
    const members = await rewrite(
      { path: 'disk', type: '4' },
      { path: 'null', type: '3' },
      { path: 'file', content: 'after' },
    );
    expect(members).toMatchObject([{ path: 'file', content: 'after' }]);
  });
});

describe('a whiteout', () => {
  it('becomes a device without number, in place of what it hides', async () => {
    const members = await rewrite(
      { path: 'etc/.wh.passwd', content: 'ignored' },
      { path: 'next', content: 'n' },
    );
    expect(members.map(({ path, type }) => [path, type])).toEqual([
      ['etc', '5'],
      ['etc/passwd', '3'],
      ['next', '0'],
    ]);
    expect(members[2]?.content).toBe('n');
  });

  it('of all in a folder becomes a mark on the folder, with its owner kept', async () => {
    const layer: Member[] = [{ path: 'var', type: '5', uid: 3 }, { path: 'var/.wh..wh..opq' }];
    expect(await opaque(...layer)).toEqual(['var']);
    expect((await rewrite(...layer)).at(-1)).toMatchObject({ path: 'var', type: '5', uid: SHIFT + 3 });
  });

  it('of a folder that the layer has anew hides only what is below', async () => {
    expect(await opaque({ path: 'var', type: '5' }, { path: '.wh.var' })).toEqual(['var']);
    expect(await opaque({ path: '.wh.var' }, { path: 'var', type: '5' })).toEqual(['var']);
  });

  it('of a file that the layer has anew changes nothing', async () => {
    expect(await paths({ path: 'file' }, { path: '.wh.file' })).toEqual(['file']);
  });

  it('with a name of the platform of old file systems is left out', async () => {
    expect(await paths({ path: '.wh..wh.aufs' }, { path: '.wh..wh.plnk/1.2', content: 'x' })).not.toContain(
      'aufs',
    );
  });

  it.each(['.wh.', '.wh..', '.wh...'])('named "%s" is refused', async (name) => {
    await expect(rewrite({ path: `a/${name}` })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('a hostile layer is refused', () => {
  it.each<[string, Member[]]>([
    ['a path upwards', [{ path: '../evil' }]],
    ['a path upwards in its middle', [{ path: 'a/../../evil' }]],
    ['a name with a zero', [{ path: 'good\0/../evil' }]],
    ['a hard link upwards', [{ path: 'x', type: '1', linkPath: '../../etc/shadow' }]],
    ['a hard link to a file of the machine', [{ path: 'x', type: '1', linkPath: '/etc/shadow' }]],
    ['a file through a symbolic link', [{ path: 'x', type: '2', linkPath: '/etc' }, { path: 'x/evil' }]],
    [
      'a hard link through a symbolic link',
      [
        { path: 'x', type: '2', linkPath: '/etc' },
        { path: 'y', type: '1', linkPath: 'x/shadow' },
      ],
    ],
    [
      'a whiteout through a symbolic link',
      [{ path: 'x', type: '2', linkPath: '/etc' }, { path: 'x/.wh.shadow' }],
    ],
    [
      'a folder that became a symbolic link',
      [{ path: 'd', type: '5' }, { path: 'd', type: '2', linkPath: '/' }, { path: 'd/evil' }],
    ],
  ])('with %s', async (_, members) => {
    await expect(rewrite(...members)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('that ends too early', async () => {
    const cut = tarOf({ path: 'file', content: 'x'.repeat(2000) }).subarray(0, 2500);
    await expect(membersOf(overlayTar(inPieces(cut), { idShift: SHIFT }))).rejects.toThrow(
      'ends in the middle',
    );
  });

  it('with an absolute path is taken as relative to its root', async () => {
    expect(await paths({ path: '/etc/evil' })).toEqual(['etc', 'etc/evil']);
  });
});

it('a reader that skips contents still finds every member', async () => {
  const archive = tarOf({ path: 'a', content: 'x'.repeat(5000) }, { path: 'b', content: 'y' }, { path: 'c' });
  const reader = new TarReader(inPieces(archive));
  expect([await reader.next(), await reader.next(), await reader.next()].map((entry) => entry?.path)).toEqual(
    ['a', 'b', 'c'],
  );
  expect(await reader.next()).toBeUndefined();
});
