import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { IMAGE_FUNCTION, type FunctionSpec } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { loadUserCode } from './user-code.ts';

describe('a function that an image runs', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-code-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const spec = (name: string): FunctionSpec => ({
    ...{ name, kind: 'function', site: { file: 'a.ts', line: 1 }, options: {}, methods: [], parameters: [] },
    hooks: { enter: [], exit: [] },
  });

  it('is found in the bundle by its name, apart from the functions of the app', async () => {
    const bundle = join(folder, 'bundle.mjs');
    await writeFile(
      bundle,
      `const prepare = (name) => 'prepared ' + name;
       (globalThis[Symbol.for('gantry.imageFunctions')] ??= new Map()).set('prepare', prepare);
       (globalThis[Symbol.for('gantry.apps')] ??= []).push({ name: 'a', entrypoints: [], functions: [
         { kind: 'function', name: 'prepare', options: {}, fn: () => 'of the app' }] });`,
    );

    const ofImage = await loadUserCode(bundle, spec(`${IMAGE_FUNCTION}prepare`), {});
    const ofApp = await loadUserCode(bundle, spec('prepare'), {});

    expect(ofImage.handler('')(['eng'])).toBe('prepared eng');
    expect(ofApp.handler('')([])).toBe('of the app');
    await expect(loadUserCode(bundle, spec(`${IMAGE_FUNCTION}other`), {})).rejects.toThrow(
      'registers no function',
    );
  });
});
