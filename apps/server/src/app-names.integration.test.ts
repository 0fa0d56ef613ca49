import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { fn, manifest } from './testing/test-client.ts';
import { TestPlatform } from './testing/test-platform.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});

afterAll(async () => {
  await platform.stop();
});

const app = async (nameOrId: string) =>
  (await platform.client.request('GET', `/v1/apps/${encodeURIComponent(nameOrId)}`)).json;

describe('the name of an app', () => {
  it('is needed to deploy: the one in the code, or the one of the deploy, which wins', async () => {
    const nameless = { manifest: manifest([fn('a')], { appName: undefined }) };
    const refused = await platform.client.deploy(nameless);
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('needs a name')]);
    expect((await platform.client.deploy({ ...nameless, name: 'given' })).json['appName']).toBe('given');
    const named = { manifest: manifest([fn('a')], { appName: 'coded' }) };
    expect((await platform.client.deploy(named)).json['appName']).toBe('coded');
    expect((await platform.client.deploy({ ...named, name: 'other' })).json['appName']).toBe('other');
  });

  it('of a deployment holds only letters, digits, dashes, dots and underscores; a run may be called anything', async () => {
    for (const name of ['my app!', 'a'.repeat(65), 'ap-0123456789abcdefghijkl']) {
      const { status, text } = await platform.client.deploy({ manifest: manifest([fn('a')]), name });
      expect([status, text]).toEqual([400, expect.stringContaining(`the app name`)]);
    }
    const run = { manifest: manifest([fn('a')], { appName: 'my app!' }), ephemeral: true };
    const { json } = await platform.client.deploy(run);
    expect(json).toMatchObject({ appName: 'my app!' });
    expect(await app(String(json['appId']))).toMatchObject({ name: 'my app!', state: 'ephemeral' });
    expect((await platform.client.deploy({ ...run, name: 'line\nbreak' })).status).toBe(400);
  });

  it('may be missing, and a description says then what the app is', async () => {
    const body = {
      manifest: manifest([fn('f')], { appName: undefined, description: 'app.ts' }),
      ephemeral: true,
    };
    const { json } = await platform.client.deploy(body);
    const app = await platform.client.request('GET', `/v1/apps/${String(json['appId'])}`);

    expect(app.json).toMatchObject({ description: 'app.ts' });
    expect(app.json).not.toHaveProperty('name');
  });

  it('leads to the deployed app, whatever runs have the same name', async () => {
    const deployed = await platform.client.deploy({ manifest: manifest([fn('a')]), name: 'twice' });
    const run = await platform.client.deploy({
      manifest: manifest([fn('b')]),
      name: 'twice',
      ephemeral: true,
    });
    expect(run.json['appId']).not.toBe(deployed.json['appId']);
    expect(await app('twice')).toMatchObject({ id: deployed.json['appId'], version: 1 });
    expect((await platform.client.request('GET', '/v1/apps/twice/functions/b')).status).toBe(404);
  });

  it('stands for another app once its app was stopped: a stop is final, the next deploy makes a new one', async () => {
    const deploy = async () =>
      (await platform.client.deploy({ manifest: manifest([fn('a')]), name: 'final' })).json;
    const first = await deploy();
    expect(await deploy()).toMatchObject({ appId: first['appId'], version: 2 });
    await platform.client.request('POST', '/v1/apps/final/stop');

    const anew = await deploy();

    expect(anew['appId']).not.toBe(first['appId']);
    expect(anew['version']).toBe(1);
    expect(await app(String(first['appId']))).toMatchObject({ state: 'stopped' });
    expect(await app('final')).toMatchObject({ id: anew['appId'], state: 'deployed' });
  });
});
