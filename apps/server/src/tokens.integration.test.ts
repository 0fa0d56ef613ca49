import { newSessionKey } from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { TestClient, TOKEN } from './testing/test-client.ts';
import { TestPlatform } from './testing/test-platform.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});

afterAll(() => platform.stop());

async function newToken(name: string): Promise<string> {
  const { status, json } = await platform.client.request('POST', '/v1/tokens', { name });
  expect({ status, name: json['name'] }).toEqual({ status: 201, name });
  return String(json['token']);
}

/** The status with which a server answers to this token. */
async function statusFor(token: string, client = platform.client): Promise<number> {
  const { status } = await client.request('GET', '/v1/hello', undefined, {
    authorization: `Bearer ${token}`,
  });
  return status;
}

describe('a token', () => {
  it('is good at every server until it is revoked, and the first one stays good', async () => {
    const other = await platform.startAnotherServer();
    const elsewhere = new TestClient(other.url);
    const token = await newToken('ci');
    expect(await statusFor(token)).toBe(200);
    await waitUntil(async () => (await statusFor(token, elsewhere)) === 200);

    const revoked = await elsewhere.request('DELETE', '/v1/tokens/ci');
    expect(revoked.json).toMatchObject({ name: 'ci', createdAtMs: expect.any(Number) });

    await waitUntil(
      async () => (await statusFor(token)) === 401 && (await statusFor(token, elsewhere)) === 401,
    );
    expect(await statusFor(TOKEN, elsewhere)).toBe(200);
    await other.stop();
  });

  it('is listed by name and age, and told to nobody again', async () => {
    const token = await newToken('ada');
    const { text, json } = await platform.client.request('GET', '/v1/tokens');
    expect(json).toEqual({ tokens: [{ name: 'ada', createdAtMs: expect.any(Number) }] });
    expect(text).not.toContain(token.slice(3));
    const stored = await platform.messaging.registry.list('token.*');
    expect(JSON.stringify(stored)).not.toContain(token.slice(3));
  });

  it('needs a name of its own', async () => {
    await newToken('taken');
    const refusals = [
      [{ name: 'taken' }, 409],
      [{ name: 'two words' }, 400],
      [{}, 400],
      ['no json', 400],
    ] as const;
    for (const [body, status] of refusals) {
      expect((await platform.client.request('POST', '/v1/tokens', body)).status).toBe(status);
    }
    expect((await platform.client.request('DELETE', '/v1/tokens/nobody')).status).toBe(404);
  });

  it('opens sessions, which end when it is revoked, while those of others stay', async () => {
    const token = await newToken('guest');
    const url = `${platform.client.url.replace('http', 'ws')}/v1/session?key=${newSessionKey()}`;
    const guest = new WebSocket(url, ['gantry', `bearer.${token}`]);
    const ended = new Promise<string>((resolve) =>
      guest.on('close', (code, reason) => resolve(`${code} ${reason.toString()}`)),
    );
    await new Promise((resolve) => guest.on('open', resolve));
    const mine = await platform.client.session();

    await platform.client.request('DELETE', '/v1/tokens/guest');

    expect(await ended).toBe('1008 its token was revoked');
    mine.send({ type: 'ping' });
    await mine.waitFor('pong');
    mine.close();
  });
});

describe('a proxy token', () => {
  it('is made with a secret that is told once, listed without it, and revoked by its id', async () => {
    const { client } = platform;
    const { status, json } = await client.request('POST', '/v1/proxy-tokens', { name: 'webshop' });
    expect(status).toBe(201);
    expect(json).toEqual({
      id: expect.stringMatching(/^wk-[0-9A-Za-z]{22}$/),
      secret: expect.stringMatching(/^ws-[\w-]{32}$/),
      name: 'webshop',
      createdAtMs: expect.any(Number),
    });
    const { secret, ...summary } = json;
    const listed = await client.request('GET', '/v1/proxy-tokens');
    expect(listed.json).toEqual({ tokens: [summary] });
    expect(secret).toBeDefined();

    const revoked = await client.request('DELETE', `/v1/proxy-tokens/${String(summary['id'])}`);
    expect(revoked.json).toEqual(summary);
    expect((await client.request('GET', '/v1/proxy-tokens')).json).toEqual({ tokens: [] });
    expect((await client.request('DELETE', `/v1/proxy-tokens/${String(summary['id'])}`)).status).toBe(404);
  });

  it('needs a name, and no id leads out of its place', async () => {
    const { client } = platform;
    expect((await client.request('POST', '/v1/proxy-tokens', {})).status).toBe(400);
    expect((await client.request('DELETE', '/v1/proxy-tokens/wk-%3E')).status).toBe(404);
  });

  it('opens no API', async () => {
    const { json } = await platform.client.request('POST', '/v1/proxy-tokens', { name: 'webshop' });
    expect(await statusFor(String(json['secret']))).toBe(401);
  });
});
