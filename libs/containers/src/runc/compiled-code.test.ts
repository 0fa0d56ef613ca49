import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { expect, test } from 'vitest';

import { CompiledCode, INNER_CACHE, removeStaleCode } from './compiled-code.ts';

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

/** The upper folder of a container that compiled something. */
function upperOf(folder: string, name: string): string {
  const upper = join(folder, name);
  mkdirSync(join(upper, INNER_CACHE), { recursive: true });
  writeFileSync(join(upper, INNER_CACHE, 'compiled'), name);
  return upper;
}

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)(
  'of two that compile the same at once one is kept, and what is not used for a week goes',
  async () => {
    await using folder = await temporaryDirectory();
    const [code, layers] = [join(folder.path, 'code.mjs'), join(folder.path, 'layers')];
    writeFileSync(code, 'code');
    removeStaleCode(layers, 0);
    const [one, other] = [new CompiledCode(layers, code), new CompiledCode(layers, code)];
    expect(one.layers).toEqual([]);
    one.take(upperOf(folder.path, 'first'));
    other.take(upperOf(folder.path, 'second'));
    // Of a container that wrote nothing.
    other.take(join(folder.path, 'none'));
    expect(readdirSync(layers)).toEqual([one.key]);
    const [layer = ''] = other.layers;
    expect(readFileSync(join(layer, INNER_CACHE, 'compiled'), 'utf8')).toBe('first');

    const usedMs = Date.now() - WEEK_MS / 2;
    utimesSync(layer, usedMs / 1000, usedMs / 1000);
    removeStaleCode(layers, Date.now());
    expect(one.layers).toEqual([layer]);
    removeStaleCode(layers, Date.now() + WEEK_MS);
    expect(one.layers).toEqual([]);
  },
);
