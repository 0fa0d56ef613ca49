import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { decodeValue, encodeValue, InvalidError, NotFoundError } from '@gantry/protocol';
import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { App } from './app.ts';
import type { Client } from './client.ts';
import { readDotenv, readLocalEnviron } from './local-values.ts';
import { registeredApps } from './registry.ts';
import { Secret } from './secret.ts';

const globals = globalThis as { [key: symbol]: unknown };
const readers = () => (globals[Symbol.for('gantry.inlineSecrets')] ?? []) as (() => unknown)[];

beforeEach(() => {
  registeredApps().length = 0;
  delete globals[Symbol.for('gantry.inlineSecrets')];
});

const inManifest = (secret: Secret): unknown => JSON.parse(JSON.stringify(secret)) as unknown;

describe('a secret with a name', () => {
  it('is written down with all that it says, and nothing is looked up', () => {
    const secret = Secret.fromName('db', { environment: 'dev', requiredKeys: ['DB_PASSWORD'] });
    expect(inManifest(secret)).toEqual({
      type: 'named',
      name: 'db',
      environment: 'dev',
      requiredKeys: ['DB_PASSWORD'],
    });
    expect(inManifest(Secret.fromName('db'))).toEqual({ type: 'named', name: 'db' });
  });

  it.each([
    () => Secret.fromName('no spaces'),
    () => Secret.fromName('db', { environment: 'no spaces' }),
    () => Secret.fromName('db', { requiredKeys: ['no spaces'] }),
    () => Secret.fromName('db', { key: 'x' } as object),
  ])('is refused where it cannot be: %s', (make) => {
    expect(make).toThrow(InvalidError);
  });

  it('is looked up by hydrate, which gives it its id', async () => {
    const lookupSecret = vi.fn(async () => ({ id: 'st-1' }));
    const secret = Secret.fromName('db', { environment: 'dev' });
    expect(() => secret.objectId).toThrow('was not looked up');
    expect(await secret.hydrate({ lookupSecret } as unknown as Client)).toBe(secret);
    expect(secret.objectId).toBe('st-1');
    expect(lookupSecret).toHaveBeenCalledWith('db', 'dev');
    await expect(Secret.fromObject({}).hydrate()).rejects.toThrow(InvalidError);
  });

  it('may be an argument; one with values may not', () => {
    const arrived = decodeValue(encodeValue(Secret.fromName('db', { requiredKeys: ['A'] }))) as Secret;
    expect(inManifest(arrived)).toEqual({ type: 'named', name: 'db', requiredKeys: ['A'] });
    expect(() => encodeValue(Secret.fromObject({ A: 'correct-horse' }))).toThrow('cannot');
  });
});

describe('a secret that code makes', () => {
  it('is written down by its index alone, the same one each time', () => {
    const [first, second] = [Secret.fromObject({ A: 'correct-horse' }), Secret.fromLocalEnviron(['B'])];
    expect([second, first, second].map(inManifest)).toEqual([
      { type: 'inline', index: 0 },
      { type: 'inline', index: 1 },
      { type: 'inline', index: 0 },
    ]);
    expect(readers()[1]?.()).toEqual({ A: 'correct-horse' });
  });

  it('leaves out null and undefined', () => {
    inManifest(Secret.fromObject({ A: 'a', B: null, C: undefined, D: '' }));
    expect(readers()[0]?.()).toEqual({ A: 'a', D: '' });
  });

  it('refuses values that are no text, without showing them', () => {
    expect(() => Secret.fromObject({ A: 4711 as unknown as string })).toThrow(
      /^(?!.*4711).*"A" must be text/,
    );
    expect(() => Secret.fromObject({ 'A B': 'x' })).toThrow('"A B" is no valid name');
  });

  it('reads files and variables when it is asked for them, not where it is written', () => {
    expect(() => [
      Secret.fromDotenv('/nowhere'),
      Secret.fromLocalEnviron(['NOT_SET_ANYWHERE']),
    ]).not.toThrow();
    expect(() => readLocalEnviron(['NOT_SET_ANYWHERE'])).toThrow(
      'takes "NOT_SET_ANYWHERE" from the environment, where it is not set',
    );
    vi.stubEnv('SET_HERE', 'x');
    expect(readLocalEnviron(['SET_HERE'])).toEqual({ SET_HERE: 'x' });
    vi.unstubAllEnvs();
  });
});

describe('a dotenv file', () => {
  let folder: TemporaryDirectory;

  beforeEach(async () => {
    folder = await temporaryDirectory('gantry-dotenv-');
    await mkdir(join(folder.path, 'app/src'), { recursive: true });
    await writeFile(join(folder.path, 'app/.env'), '# comment\nA=1\nexport B="two words"\nC=\'x\ny\'\n');
    await writeFile(join(folder.path, '.env.test'), 'A=test\n');
    await writeFile(join(folder.path, 'app/src/main.ts'), '');
  });

  afterEach(() => folder.remove());

  it('is found in a folder above the one, or the module, where the search begins', () => {
    const values = { A: '1', B: 'two words', C: 'x\ny' };
    for (const start of ['app', 'app/src', 'app/src/main.ts']) {
      expect(readDotenv(join(folder.path, start), {})).toEqual(values);
    }
    expect(globals[Symbol.for('gantry.readFiles')]).toContain(join(folder.path, 'app/.env'));
  });

  it('may be named itself, or be called otherwise', () => {
    expect(readDotenv(join(folder.path, '.env.test'), {})).toEqual({ A: 'test' });
    expect(readDotenv(join(folder.path, 'app/src'), { filename: '.env.test' })).toEqual({ A: 'test' });
  });

  it('that is nowhere is an error that says where it was searched for', () => {
    const search = () => readDotenv(join(folder.path, 'app/src'), { filename: '.env.nowhere' });
    expect(search).toThrow(NotFoundError);
    expect(search).toThrow(`".env.nowhere", which is not in "${join(folder.path, 'app/src')}"`);
  });
});

describe('secrets of an app', () => {
  it('come before those of its functions', () => {
    const app = new App('shop', { secrets: [Secret.fromName('shared')] });
    app.function({ name: 'plain' }, () => 1);
    app.function({ name: 'own', secrets: [Secret.fromName('own')] }, () => 1);
    const names = registeredApps()[0]?.functions.map(({ options }) =>
      (options.secrets ?? []).map(({ name }) => name),
    );
    expect(names).toEqual([['shared'], ['shared', 'own']]);
  });

  it('are refused where they are none', () => {
    const secrets = ['db'] as unknown as Secret[];
    expect(() => new App('shop', { secrets })).toThrow('secrets must be a list of secrets');
  });
});
