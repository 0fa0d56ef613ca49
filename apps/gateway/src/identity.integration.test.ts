import { registryKeys } from '@gantry/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestPlatform } from './gateway.fixture.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform[Symbol.asyncDispose]());

describe('who checks a token of a container', () => {
  const issuer = 'https://gantry.localhost';
  const json = async (path: string) => (await platform.ask('gantry.localhost', { path })).json;

  test('finds the issuer and its public keys at the bare domain, and nothing of the private ones', async () => {
    const publicKey = { n: 'modulus', e: 'AQAB' };
    platform.registry.set(registryKeys.identity, {
      issuer,
      keys: [{ id: 'k1', createdAtMs: 1, publicKey, sealed: new Uint8Array([7]) }],
    });
    const discovery = await json('/.well-known/openid-configuration');
    expect(discovery).toMatchObject({ issuer, id_token_signing_alg_values_supported: ['RS256'] });
    const keysAt = (discovery as { jwks_uri: string }).jwks_uri;
    expect(keysAt.startsWith(`${issuer}/`)).toBe(true);
    expect(await json(new URL(keysAt).pathname)).toEqual({
      keys: [{ kty: 'RSA', use: 'sig', alg: 'RS256', kid: 'k1', n: 'modulus', e: 'AQAB' }],
    });
  });

  test('finds none while no server has made a key', async () => {
    platform.registry.set(registryKeys.identity, undefined);
    const reply = await platform.ask('gantry.localhost', { path: '/.well-known/openid-configuration' });
    expect(reply.status).toBe(404);
    expect(await json('/.well-known/jwks.json')).toEqual({ keys: [] });
  });
});
