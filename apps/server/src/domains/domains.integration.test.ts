import { type DomainSummary, registryKeys, type RouteRecord } from '@gantry/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { fn, manifest } from '../testing/test-client.ts';
import { TestPlatform } from '../testing/test-platform.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

async function api(verb: string, path: string, body?: object) {
  const { status, json } = await platform.client.request(verb, `/v1/domains${path}`, body);
  return {
    status,
    json: json as unknown as DomainSummary & { code?: string; message?: string; hint?: string },
  };
}

function shop(...customDomains: string[]) {
  const endpoint = { type: 'endpoint' as const, method: 'GET' as const, docs: false };
  const web = customDomains.length > 0 ? { ...endpoint, customDomains } : endpoint;
  return manifest([fn('pay', {}, web)]);
}

async function routeOf(host: string): Promise<RouteRecord | undefined> {
  return (await platform.messaging.registry.get<RouteRecord>(registryKeys.route(host)))?.value;
}

describe('a domain', () => {
  it('is given to functions when its text record has shown whose it is, and not before', async () => {
    const order = { manifest: shop('api.example.com'), name: 'shop' };
    expect((await platform.client.deploy(order)).text).toContain('gantry domain add api.example.com');

    const { status, json } = await api('POST', '', { name: 'api.example.com' });
    expect({ status, at: json.record.name, verifiedAtMs: json.verifiedAtMs }).toEqual({
      status: 201,
      at: '_gantry.api.example.com',
      verifiedAtMs: undefined,
    });
    const early = await api('POST', '/api.example.com/verify');
    expect({ status: early.status, message: early.json.message }).toMatchObject({
      status: 409,
      message: expect.stringContaining(json.record.text) as string,
    });
    expect((await platform.client.deploy(order)).text).toContain('is not verified yet');
    expect(await routeOf('api.example.com')).toBeUndefined();

    // Long texts come in parts.
    platform.texts.set(json.record.name, [
      ['other'],
      [json.record.text.slice(0, 9), json.record.text.slice(9)],
    ]);
    expect((await api('POST', '/api.example.com/verify')).json.verifiedAtMs).toBeGreaterThan(0);
    const reply = await platform.client.deploy(order);
    expect(reply.status).toBe(200);
    expect(await routeOf('api.example.com')).toMatchObject({ appId: reply.json['appId'], ephemeral: false });
    // The address that a function knows of itself stays the generated one.
    expect(reply.text).toContain('https://local--shop-pay.gantry.localhost:7443');
  });

  it('stays with its app: another one is refused, a run has none, and it is free when the app goes without it', async () => {
    await api('POST', '', { name: 'one.example.com', trusted: true });
    const order = (name: string, more = {}) => ({ manifest: shop('one.example.com'), name, ...more });
    const first = await platform.client.deploy(order('first'));
    expect((await platform.client.deploy(order('second'))).status).toBe(409);
    expect((await platform.client.deploy(order('first', { ephemeral: true }))).status).toBe(200);
    expect((await routeOf('one.example.com'))?.appId).toBe(first.json['appId']);
    expect(await api('DELETE', '/one.example.com')).toMatchObject({
      status: 409,
      json: { code: 'CONFLICT' },
    });

    await platform.client.deploy({ manifest: shop(), name: 'first' });
    expect(await routeOf('one.example.com')).toBeUndefined();
    expect((await api('DELETE', '/one.example.com')).status).toBe(200);
    expect((await api('DELETE', '/one.example.com')).status).toBe(404);
  });

  it('that is a wildcard lets code choose any name of its level, and the level itself', async () => {
    const { json } = await api('POST', '', { name: '*.shop.example', trusted: true });
    expect(json.record.name).toBe('_gantry.shop.example');
    const order = (domain: string) => ({ manifest: shop(domain), name: 'wild' });
    for (const domain of ['a.shop.example', '*.shop.example']) {
      expect((await platform.client.deploy(order(domain))).status).toBe(200);
      expect(await routeOf(domain)).toBeDefined();
    }
    for (const domain of ['shop.example', 'a.b.shop.example'])
      expect((await platform.client.deploy(order(domain))).status).toBe(404);
  });

  it('is never a name of the platform, or no name at all', async () => {
    for (const name of [
      'gantry.localhost',
      'x.gantry.localhost',
      '*.gantry.localhost',
      'a_b.com',
      'Example.com',
    ]) {
      expect((await api('POST', '', { name })).status, name).toBe(400);
    }
    expect((await api('POST', '', {})).status).toBe(400);
    const { json } = await platform.client.request('GET', '/v1/domains');
    const names = (json as unknown as { domains: DomainSummary[] }).domains.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(names).not.toContain('gantry.localhost');
  });

  it('is listed with the certificates that an authority issued for it, or did not', async () => {
    await api('POST', '', { name: '*.certified.example', trusted: true });
    const failure = { message: 'no such name', atMs: 1, attempts: 1, retryAtMs: 2 };
    const records = [
      { name: 'b.certified.example', failure },
      { name: 'a.certified.example', certificate: 'PEM', sealedKey: new Uint8Array(8), endsAtMs: 3 },
      { name: 'elsewhere.example', endsAtMs: 4 },
    ];
    for (const record of records) {
      await platform.messaging.registry.put(registryKeys.certificate(record.name), record);
    }
    const { json } = await platform.client.request('GET', '/v1/domains');
    const { domains } = json as unknown as { domains: DomainSummary[] };
    expect(domains.find(({ name }) => name === '*.certified.example')?.certificates).toEqual([
      { host: 'a.certified.example', endsAtMs: 3 },
      { host: 'b.certified.example', failure: { message: 'no such name', retryAtMs: 2 } },
    ]);
  });
});
