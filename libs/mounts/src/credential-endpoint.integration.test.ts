import { AuthError } from '@gantry/protocol';
import { afterAll, describe, expect, it } from 'vitest';

import { CredentialEndpoint } from './credential-endpoint.ts';

const LENT = { accessKey: 'a', secretKey: 'b', sessionToken: 'c', expiresAtMs: Date.UTC(2030, 0, 1) };

describe('credentials for programs of this machine', () => {
  const endpoint = new CredentialEndpoint();
  afterAll(() => endpoint.close());

  it('are given to who has what it was started with, as containers at AWS get theirs', async () => {
    const { url, authorization } = await endpoint.add(() => Promise.resolve(LENT));

    const reply = await fetch(url, { headers: { authorization } });
    expect(await reply.json()).toEqual({
      ...{ AccessKeyId: 'a', SecretAccessKey: 'b', Token: 'c' },
      Expiration: '2030-01-01T00:00:00.000Z',
    });
  });

  it('are given to nobody else, and no longer than they are needed', async () => {
    const own = await endpoint.add(() => Promise.resolve(LENT));
    const other = await endpoint.add(() => Promise.resolve(LENT));
    const statusOf = async (url: string, authorization?: string): Promise<number> =>
      (await fetch(url, { headers: authorization === undefined ? {} : { authorization } })).status;

    expect(await statusOf(own.url)).toBe(403);
    expect(await statusOf(own.url, other.authorization)).toBe(403);
    expect(await statusOf(new URL('/', own.url).href, own.authorization)).toBe(403);
    own.close();
    expect(await statusOf(own.url, own.authorization)).toBe(403);
    expect(await statusOf(other.url, other.authorization)).toBe(200);
  });

  it.each([
    [403, new AuthError('the role is gone')],
    [503, new Error('the store is away')],
  ])('that cannot be had are an answer that says why: %i', async (status, error) => {
    const { url, authorization } = await endpoint.add(() => Promise.reject(error));

    const reply = await fetch(url, { headers: { authorization } });
    expect(reply.status).toBe(status);
    expect(await reply.json()).toEqual({ code: 'NoCredentials', message: error.message });
  });
});
