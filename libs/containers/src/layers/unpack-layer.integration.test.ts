import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { inPieces, tarOf, type Member } from './tar.fixture.ts';
import { unpackLayer } from './unpack-layer.ts';

const ids = { idShift: 1_900_000_000 };
const isRoot = process.getuid?.() === 0;

let work: TemporaryDirectory;

beforeEach(async () => {
  work = await temporaryDirectory();
});
afterEach(() => work.remove());

const inWork = (...parts: string[]): string => join(work.path, ...parts);

async function unpack(name: string, ...members: Member[]): Promise<string> {
  await unpackLayer(inPieces(tarOf(...members)), inWork(name), ids);
  return inWork(name);
}

// Only root can make files of other users.
describe.skipIf(!isRoot)('a layer', () => {
  it.each(['gnu', 'pax', 'ustar'])(
    'in the %s format unpacks as it was packed, with ids shifted',
    async (format) => {
      const long = 'a-folder-with-a-rather-long-name/'.repeat(format === 'ustar' ? 4 : 9);
      await mkdir(inWork('source', long), { recursive: true });
      await writeFile(inWork('source', long, 'ünï.txt'), 'x'.repeat(70_000));
      await writeFile(inWork('source/tool'), '#!/bin/sh', { mode: 0o755 });
      await symlink('/etc/hostname', inWork('source/link'));
      const archive = execFileSync(
        'tar',
        [`--format=${format}`, '--owner=5', '--group=6', '-C', inWork('source'), '-c', '.'],
        {
          maxBuffer: 1 << 26,
        },
      );
      await unpackLayer(inPieces(gzipSync(archive)), inWork('layer'), ids);
      expect(readFileSync(inWork('layer', long, 'ünï.txt'), 'utf8')).toBe('x'.repeat(70_000));
      expect(readlinkSync(inWork('layer/link'))).toBe('/etc/hostname');
      const { mode, uid, gid } = lstatSync(inWork('layer/tool'));
      expect([mode & 0o7777, uid, gid]).toEqual([0o755, ids.idShift + 5, ids.idShift + 6]);
      expect(lstatSync(inWork('layer/link')).uid).toBe(ids.idShift + 5);
    },
  );

  it('hides below it in an overlay what its whiteouts name', async () => {
    const lower = await unpack(
      'lower',
      { path: 'gone' },
      { path: 'kept' },
      { path: 'cleared/old' },
      { path: 'cleared/deep/older' },
    );
    const upper = await unpack(
      'upper',
      { path: '.wh.gone' },
      { path: 'cleared/.wh..wh..opq' },
      { path: 'cleared/new' },
    );
    mkdirSync(inWork('merged'));
    execFileSync('mount', [
      '-t',
      'overlay',
      'overlay',
      '-o',
      `ro,lowerdir=${upper}:${lower}`,
      inWork('merged'),
    ]);
    try {
      expect(readdirSync(inWork('merged')).toSorted()).toEqual(['cleared', 'kept']);
      expect(readdirSync(inWork('merged/cleared'))).toEqual(['new']);
    } finally {
      execFileSync('umount', [inWork('merged')]);
    }
  });

  it('leaves nothing behind, inside or outside, when it is refused', async () => {
    await mkdir(inWork('outside'));
    const hostile: Member[] = [
      { path: 'fine' },
      { path: 'way', type: '2', linkPath: inWork('outside') },
      { path: 'way/evil', content: 'evil' },
    ];
    await expect(unpack('layers/hostile', ...hostile)).rejects.toThrow(
      'leads through the symbolic link "way"',
    );
    expect(readdirSync(inWork('outside'))).toEqual([]);
    expect(readdirSync(inWork('layers'))).toEqual([]);
  });

  it('that is there already stays as it is', async () => {
    const folder = await unpack('layer', { path: 'first' });
    await unpack('layer', { path: 'second' });
    expect(readdirSync(folder)).toEqual(['first']);
    expect(readdirSync(work.path)).toEqual(['layer']);
  });

  it('that is no archive is refused with a reason', async () => {
    const noise = Buffer.alloc(5000, 'noise ');
    await expect(unpackLayer(inPieces(noise), inWork('layer'), ids)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect(existsSync(inWork('layer'))).toBe(false);
  });
});
