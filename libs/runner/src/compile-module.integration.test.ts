import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { COMPILE_FLAG } from '@gantry/protocol';
import { temporaryDirectory } from '@gantry/testing';
import { expect, test } from 'vitest';

const MAIN = join(import.meta.dirname, 'main.ts');

test('a runner that is told to compile a module writes what it compiled, and runs nothing of it', async () => {
  await using folder = await temporaryDirectory();
  const [module, ran] = [join(folder.path, 'bundle.mjs'), join(folder.path, 'ran')];
  const imported = join(folder.path, 'imported.mjs');
  const says = `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(ran)}, '');`;
  writeFileSync(imported, says);
  writeFileSync(module, `import './imported.mjs'; ${says} export const waited = await 1;`);
  const compiled = (path: string): number => {
    const cache = join(folder.path, `cache-${path === module ? 'module' : 'none'}`);
    const env = { PATH: process.env['PATH'], GANTRY_COMPILE_CACHE: cache };
    expect(spawnSync(process.execPath, [MAIN, COMPILE_FLAG, path], { env }).status).toBe(0);
    return readdirSync(cache).flatMap((tag) => readdirSync(join(cache, tag))).length;
  };
  // The runner itself is in both.
  expect(compiled(module)).toBe(compiled(join(folder.path, 'no-such.mjs')) + 2);
  expect(existsSync(ran)).toBe(false);
});
