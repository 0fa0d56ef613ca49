import { newId, registryKeys, type RouteRecord } from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { fn, manifest } from './testing/test-client.ts';
import { TestPlatform } from './testing/test-platform.ts';

let platform: TestPlatform;

function functionsOf({ json }: { json: Record<string, unknown> }) {
  return (json['functions'] ?? []) as { id: string; name: string; urls: Record<string, string> }[];
}

beforeAll(async () => {
  platform = await TestPlatform.start();
});

afterAll(async () => {
  await platform.stop();
});

describe('deployments', () => {
  const web = { type: 'endpoint' as const, method: 'GET' as const, docs: false };

  it('counts versions, keeps function ids, and removes functions that are gone', async () => {
    const name = 'versions';
    const first = await platform.client.deploy({ manifest: manifest([fn('a'), fn('b', {}, web)]), name });
    expect(first.json).toMatchObject({ appName: name, version: 1 });
    const second = await platform.client.deploy({
      manifest: manifest([fn('a', { maxInputs: 2 }), fn('c')]),
      name,
    });
    expect(first.json).not.toHaveProperty('removed');
    expect(second.json).toMatchObject({ appId: first.json['appId'], version: 2, removed: ['b'] });
    const idOf = (reply: typeof first, index: number) =>
      (reply.json['functions'] as { id: string }[])[index]?.id;
    expect(idOf(second, 0)).toBe(idOf(first, 0));
    const lookup = await platform.client.request('GET', `/v1/apps/${name}/functions/a`);
    expect(lookup.json).toMatchObject({ functionId: idOf(first, 0), version: 2, kind: 'function' });
    expect((await platform.client.request('GET', `/v1/apps/${name}/functions/b`)).status).toBe(404);
    const host = `local--${name}-b.gantry.localhost`;
    expect(await platform.messaging.registry.get(registryKeys.route(host))).toBeUndefined();
    await waitUntil(async () => {
      const { json } = await platform.client.request('GET', `/v1/apps/${name}`);
      return JSON.stringify(functionsOf({ json }).map((one) => one.name)) === '["a","c"]';
    });
    expect((await platform.client.request('GET', '/v1/apps')).text).toContain(`"name":"${name}"`);
    await platform.client.createEnvironment('other');
    expect((await platform.client.request('GET', '/v1/apps?environment=other')).json).toEqual({ apps: [] });
    expect((await platform.client.request('GET', `/v1/apps/${name}?environment=other`)).status).toBe(404);
  });

  it('gives endpoints an address, and refuses one that another app has', async () => {
    const reply = await platform.client.deploy({ manifest: manifest([fn('Scan_It', {}, web)]), name: 'web' });
    const { urls } = functionsOf(reply)[0] ?? { urls: {} };
    expect(urls).toEqual({ '': 'https://local--web-scan-it.gantry.localhost:7443' });
    const route = await platform.messaging.registry.get<RouteRecord>(
      registryKeys.route('local--web-scan-it.gantry.localhost'),
    );
    expect(route?.value).toMatchObject({ appId: reply.json['appId'], method: '', ephemeral: false });
    const labelled = (name: string) => ({
      manifest: manifest([fn('x', {}, { ...web, label: 'best' })]),
      name,
    });
    expect((await platform.client.deploy(labelled('one'))).status).toBe(200);
    const refused = await platform.client.deploy(labelled('two'));
    expect({ status: refused.status, code: refused.json['code'] }).toEqual({ status: 409, code: 'CONFLICT' });
    expect((await platform.client.request('GET', '/v1/apps/two')).status).toBe(404);
    expect((await platform.client.deploy(labelled('one'))).json).toMatchObject({ version: 2 });
    await platform.client.request('POST', '/v1/apps/one/stop');
    expect((await platform.client.deploy(labelled('two'))).status).toBe(200);
  });

  it('gives the host of an ephemeral app to the newest', async () => {
    const request = { manifest: manifest([fn('x', {}, web)]), name: 'dev', ephemeral: true };
    const first = await platform.client.deploy(request);
    const second = await platform.client.deploy(request);
    expect(second.json['appId']).not.toBe(first.json['appId']);
    const key = registryKeys.route('local--dev-x-dev.gantry.localhost');
    expect((await platform.messaging.registry.get<RouteRecord>(key))?.value.appId).toBe(second.json['appId']);
    const again = await platform.client.deploy({ ...request, appId: first.json['appId'] });
    expect(again.json).toMatchObject({ appId: first.json['appId'], version: 2 });
    expect((await platform.client.deploy({ ...request, appId: newId('ap') })).status).toBe(404);
    expect(
      (await platform.client.request('POST', `/v1/apps/${String(first.json['appId'])}/stop`)).json,
    ).toMatchObject({
      state: 'stopped',
    });
  });

  it('does not give the host of a deployed app to one that only runs', async () => {
    const endpoint = (label: string) => manifest([fn('x', {}, { ...web, label })]);
    const deployed = await platform.client.deploy({ manifest: endpoint('till-dev'), name: 'till' });
    const run = await platform.client.deploy({ manifest: endpoint('till'), name: 'other', ephemeral: true });
    expect({ status: run.status, code: run.json['code'] }).toEqual({ status: 409, code: 'CONFLICT' });
    const key = registryKeys.route('local--till-dev.gantry.localhost');
    const route = await platform.messaging.registry.get<RouteRecord>(key);
    expect(route?.value.appId).toBe(deployed.json['appId']);
  });

  it('lets deploys of one app through one after the other', async () => {
    const name = 'crowd';
    const replies = await Promise.all(
      [1, 2, 3, 4].map(() => platform.client.deploy({ manifest: manifest([fn('a')]), name })),
    );
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(replies.map(({ json }) => Number(json['version'])).sort()).toEqual([1, 2, 3, 4]);
    expect(new Set(replies.map(({ json }) => json['appId'])).size).toBe(1);
  });
});
