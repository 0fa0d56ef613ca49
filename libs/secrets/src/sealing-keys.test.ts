import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { KeyRing } from './key-ring.ts';
import { MemoryRegistry } from './memory-registry.fixture.ts';
import { SealingKeys } from './sealing-keys.ts';

let folders: TemporaryDirectory[];
let registry: MemoryRegistry;

beforeEach(() => {
  folders = [];
  registry = new MemoryRegistry();
});

afterEach(async () => {
  for (const folder of folders) await folder.remove();
});

async function machine(): Promise<{ dataDir: string; keys: SealingKeys }> {
  const folder = await temporaryDirectory('gantry-keys-');
  folders.push(folder);
  return { dataDir: folder.path, keys: new SealingKeys({ dataDir: folder.path }) };
}

describe('the key of a platform', () => {
  test('is made by its first server, for its owner alone, and found again', async () => {
    const { dataDir, keys } = await machine();
    const made = await keys.prepare(registry);

    expect((await stat(join(dataDir, 'secrets.key'))).mode & 0o777).toBe(0o600);
    expect((await keys.prepare(registry)).id).toBe(made.id);
    expect((await keys.require()).id).toBe(made.id);
    expect(registry.text).not.toContain((await readFile(join(dataDir, 'secrets.key'), 'utf8')).trim());
  });

  test('is not made a second time on another machine, which says what to copy', async () => {
    const [first, second] = [await machine(), await machine()];
    await first.keys.prepare(registry);

    await expect(second.keys.prepare(registry)).rejects.toThrow('this machine has no key for secrets');
    await expect(stat(join(second.dataDir, 'secrets.key'))).rejects.toThrow('ENOENT');
    await expect(second.keys.require()).rejects.toMatchObject({
      hint: expect.stringContaining('Copy') as string,
    });
  });

  test('is not taken from a file with another one', async () => {
    const [first, second] = [await machine(), await machine()];
    const { id } = await first.keys.prepare(registry);
    await writeFile(join(second.dataDir, 'secrets.key'), KeyRing.newKey());

    await expect(second.keys.prepare(registry)).rejects.toThrow(`lacks the key "${id}"`);
  });

  test('may come from the environment, without a file', async () => {
    const { dataDir } = await machine();
    const key = KeyRing.newKey();
    const ring = await new SealingKeys({ dataDir, key }).prepare(registry);

    expect(ring.id).toBe(KeyRing.parse(key, 'a test').id);
    await expect(stat(join(dataDir, 'secrets.key'))).rejects.toThrow('ENOENT');
  });
});
