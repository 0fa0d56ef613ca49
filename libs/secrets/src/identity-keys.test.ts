import { createPublicKey, verify } from 'node:crypto';

import { type IdentityRecord, registryKeys } from '@gantry/protocol';
import { beforeEach, describe, expect, test } from 'vitest';

import { IDENTITY_TOKEN_MS, IdentityKeys } from './identity-keys.ts';
import { KeyRing } from './key-ring.ts';
import { MemoryRegistry } from './memory-registry.fixture.ts';
import { SealingKeys } from './sealing-keys.ts';

const ISSUER = 'https://gantry.test:8443';
const DAY_MS = 24 * 3600 * 1000;
const [old, fresh] = [KeyRing.newKey(), KeyRing.newKey()];

let registry: MemoryRegistry;
let nowMs: number;
const keysWith = (key: string) =>
  new IdentityKeys(registry, new SealingKeys({ dataDir: '/nowhere', key }), { now: () => nowMs });
const record = async () =>
  (await registry.get<IdentityRecord>(registryKeys.identity))?.value as IdentityRecord;

/** The claims of a token, if one of the published keys has signed it. */
async function verified(token = ''): Promise<Record<string, unknown>> {
  const [head = '', body = '', signature = ''] = token.split('.');
  const { kid, alg } = JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string; alg: string };
  expect(alg).toBe('RS256');
  const { publicKey } = (await record()).keys.find(({ id }) => id === kid) ?? expect.fail(`no key ${kid}`);
  const key = createPublicKey({ key: { kty: 'RSA', ...publicKey }, format: 'jwk' });
  expect(verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))).toBe(
    true,
  );
  return JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
}

beforeEach(() => {
  registry = new MemoryRegistry();
  nowMs = Date.UTC(2026, 0, 1);
});

describe('a token of a container', () => {
  test('is signed with a key that others can look up, and says who issued it, for whom and until when', async () => {
    await keysWith(old).prepare(ISSUER);
    const claims = await verified(await keysWith(old).sign({ sub: 'x', app_name: 'shop' }));
    expect(claims).toMatchObject({ iss: ISSUER, aud: 'gantry.test:8443', sub: 'x', app_name: 'shop' });
    expect(claims).toMatchObject({ iat: nowMs / 1000, exp: (nowMs + IDENTITY_TOKEN_MS) / 1000 });
    const other = await verified(await keysWith(old).sign({ sub: 'x' }));
    expect(other['jti']).not.toBe(claims['jti']);
  });

  test('is not there before a server has made a key', async () => {
    expect(await keysWith(old).sign({})).toBeUndefined();
  });
});

describe('the key that signs tokens', () => {
  test('stays the same over restarts, and is kept sealed', async () => {
    await keysWith(old).prepare(ISSUER);
    const [key] = (await record()).keys;
    await keysWith(old).prepare('https://moved.test');
    expect(await record()).toMatchObject({ issuer: 'https://moved.test', keys: [{ id: key?.id }] });
    await expect(keysWith(fresh).sign({})).rejects.toThrow('key');
  });

  test('is followed by another after 90 days, and goes when all that it signed has expired', async () => {
    await keysWith(old).prepare(ISSUER);
    const first = await keysWith(old).sign({});
    nowMs += 90 * DAY_MS;
    await keysWith(old).prepare(ISSUER);
    await verified(first);
    await verified(await keysWith(old).sign({}));
    expect((await record()).keys).toHaveLength(2);
    nowMs += IDENTITY_TOKEN_MS;
    await keysWith(old).prepare(ISSUER);
    expect((await record()).keys).toHaveLength(1);
  });

  test('is sealed anew with the first of several sealing keys, and replaced when none opens it', async () => {
    await keysWith(old).prepare(ISSUER);
    const [key] = (await record()).keys;
    await keysWith(`${fresh} ${old}`).prepare(ISSUER);
    await verified(await keysWith(fresh).sign({}));
    expect((await record()).keys.map(({ id }) => id)).toEqual([key?.id]);
    const lost = KeyRing.newKey();
    await keysWith(lost).prepare(ISSUER);
    await verified(await keysWith(lost).sign({}));
    expect((await record()).keys.map(({ id }) => id)).toEqual([
      expect.not.stringMatching(key?.id ?? ''),
      key?.id,
    ]);
  });
});
