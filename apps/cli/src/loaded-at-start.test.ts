import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import { expect, test } from 'vitest';

const MAIN = path.join(import.meta.dirname, 'main.ts');
/** Imports and re-exports of values; those of types are gone before a program runs. */
const IMPORTS = /^(?:import|export)\s(?!type\s)(?:[^'";]*?\sfrom\s)?'([^']+)'/gm;

/** Packages that come with a module, without those that it imports when they are needed. */
function packagesOf(file: string, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>();
  if (seen.has(file)) return packages;
  seen.add(file);
  for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(IMPORTS)) {
    if (specifier.startsWith('node:')) continue;
    const found = specifier.startsWith('.')
      ? path.resolve(path.dirname(file), specifier)
      : createRequire(file).resolve(specifier);
    if (!found.endsWith('.ts')) packages.add(specifier);
    else for (const name of packagesOf(found, seen)) packages.add(name);
  }
  return packages;
}

test('a command loads no compiler, bundler, broker or store before it needs one', () => {
  // Every program of the platform begins as a command, and keeps what that loaded.
  const small = ['cbor-x/encode', 'commander', 'pino', 'reflect-metadata', 'smol-toml', 'yaml'];
  expect([...packagesOf(MAIN)].sort()).toEqual(small);
});
