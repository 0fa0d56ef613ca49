import { beforeEach, describe, expect, test } from 'vitest';
import { ANY_ENVIRONMENT } from '@gantry/testing';

import { InlineSecrets } from './inline-secrets.ts';
import { KeyRing } from './key-ring.ts';
import { MemoryRegistry } from './memory-registry.fixture.ts';
import { resealSecrets } from './reseal.ts';
import { SealingKeys } from './sealing-keys.ts';
import { SecretOpener } from './secret-opener.ts';
import { SecretStore } from './secret-store.ts';

const [old, fresh] = [KeyRing.newKey(), KeyRing.newKey()];
const db = { environment: 'main', name: 'db', values: { USER: 'shop', PASSWORD: 'correct-horse' } };

let registry: MemoryRegistry;
let store: SecretStore;
let inline: InlineSecrets;

const keysOf = (key: string): SealingKeys => new SealingKeys({ dataDir: '/nowhere', key });

beforeEach(() => {
  registry = new MemoryRegistry();
  store = new SecretStore({ registry, keys: keysOf(old), environments: ANY_ENVIRONMENT });
  inline = new InlineSecrets(registry, keysOf(old));
});

describe('a named secret', () => {
  test('is kept sealed; only its names and times are told', async () => {
    const saved = await store.save(db);

    expect(saved).toMatchObject({ name: 'db', environment: 'main', keys: ['PASSWORD', 'USER'] });
    expect(saved.id).toMatch(/^st-/);
    expect(await store.list('main')).toEqual([saved]);
    expect(JSON.stringify([saved, await store.find('main', 'db')])).not.toContain('correct-horse');
    expect(registry.text).not.toContain('correct-horse');
    expect(await store.open('main', 'db')).toEqual(db.values);
  });

  test('belongs to one environment', async () => {
    await store.save(db);

    expect(await store.list('dev')).toEqual([]);
    await expect(store.find('dev', 'db')).rejects.toThrow('there is no secret "db" in environment "dev"');
    await store.save({ ...db, environment: 'dev', values: { USER: 'test' } });
    expect(await store.open('dev', 'db')).toEqual({ USER: 'test' });
    expect(await store.open('main', 'db')).toEqual(db.values);
  });

  test('is replaced as a whole, and only when told to; its id and the time it was made stay', async () => {
    const first = await store.save(db);

    await expect(store.save({ ...db, values: { USER: 'x' } })).rejects.toMatchObject({ code: 'CONFLICT' });
    const second = await store.save({ ...db, values: { USER: 'x' }, replace: true });
    expect(second).toMatchObject({ id: first.id, createdAtMs: first.createdAtMs, keys: ['USER'] });
    expect(await store.open('main', 'db')).toEqual({ USER: 'x' });
  });

  test('that was deleted, or lacks a key, is named where it is needed', async () => {
    await store.save(db);

    await expect(store.assert('main', 'db', ['USER', 'HOST', 'PORT'])).rejects.toThrow(
      'the secret "db" of environment "main" lacks "HOST", "PORT"',
    );
    await expect(store.open('main', 'db', ['HOST'])).rejects.toThrow('lacks "HOST"');
    await store.delete('main', 'db');
    await expect(store.open('main', 'db')).rejects.toThrow('there is no secret "db"');
    await expect(store.delete('main', 'db')).rejects.toMatchObject({
      message: expect.stringContaining('there is no secret "db"') as string,
      hint: 'See those there are: gantry secret list --env main',
    });
  });

  test.each([
    [{ 'NO SPACES': 'correct-horse' }, 'is no valid name'],
    [{ KEY: 'correct-horse\0' }, 'without null characters'],
    [{ KEY: 7 as unknown as string }, 'must be text'],
    [{ KEY: 'correct-horse'.repeat(6_000) }, 'is above 65536'],
  ])('cannot hold %o, which is said without the value', async (values, message) => {
    const error: unknown = await store.save({ ...db, values }).catch((thrown: unknown) => thrown);

    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain('correct-horse');
  });
});

describe('secrets of a function', () => {
  test('become variables; of those with one name that of the later secret', async () => {
    await store.save(db);
    await store.save({ environment: 'shared', name: 'db', values: { HOST: 'h', USER: 'shared' } });
    const opener = new SecretOpener(store);
    const scope = { environment: 'main', inline: (index: number) => ({ USER: `inline ${index}` }) };

    const opened = await opener.open(
      [
        { type: 'named', name: 'db' },
        { type: 'inline', index: 3 },
        { type: 'named', name: 'db', environment: 'shared' },
      ],
      scope,
    );
    expect(opened).toEqual({ PASSWORD: 'correct-horse', USER: 'shared', HOST: 'h' });
  });

  test('that its code makes belong to one version; a rollback takes them over', async () => {
    await inline.save({ appId: 'ap-1', version: 1 }, new Map([[0, { TOKEN: 'correct-horse' }]]));
    await inline.copy({ appId: 'ap-1', version: 2 }, 1);

    expect(registry.text).not.toContain('correct-horse');
    expect(await inline.open({ appId: 'ap-1', version: 2 }, 0)).toEqual({ TOKEN: 'correct-horse' });
    await expect(inline.open({ appId: 'ap-1', version: 3 }, 0)).rejects.toThrow(
      'version 3 of the app has no values',
    );
    await inline.deleteAll('ap-1');
    await expect(inline.open({ appId: 'ap-1', version: 1 }, 0)).rejects.toThrow('has no values');
  });
});

describe('a new key', () => {
  test('in front of the old one seals what is there anew, so that the old one can go', async () => {
    await store.save(db);
    await inline.save({ appId: 'ap-1', version: 1 }, new Map([[0, { TOKEN: 'correct-horse' }]]));

    expect(await resealSecrets(registry, KeyRing.parse(`${fresh} ${old}`, 'a test'))).toBe(2);
    const later = keysOf(fresh);
    expect(
      await new SecretStore({ registry, keys: later, environments: ANY_ENVIRONMENT }).open('main', 'db'),
    ).toEqual(db.values);
    expect(await new InlineSecrets(registry, later).open({ appId: 'ap-1', version: 1 }, 0)).toEqual({
      TOKEN: 'correct-horse',
    });
    expect(await resealSecrets(registry, KeyRing.parse(fresh, 'a test'))).toBe(0);
  });

  test('alone opens nothing, and says which key is missing', async () => {
    await store.save(db);

    await expect(
      new SecretStore({ registry, keys: keysOf(fresh), environments: ANY_ENVIRONMENT }).open('main', 'db'),
    ).rejects.toThrow('lacks the key');
    await expect(store.open('main', 'db')).resolves.toEqual(db.values);
  });
});
