import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { DeploymentSummary } from '@gantry/protocol';

import { fn, manifest } from './testing/test-client.ts';
import { TestPlatform } from './testing/test-platform.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});

afterAll(async () => {
  await platform.stop();
});

async function history(app: string): Promise<DeploymentSummary[]> {
  const { json } = await platform.client.request('GET', `/v1/apps/${app}/deployments`);
  return json['deployments'] as DeploymentSummary[];
}

function rollback(app: string, body: object = {}) {
  return platform.client.request('POST', `/v1/apps/${app}/rollback`, JSON.stringify(body));
}

async function functionNames(app: string): Promise<string[]> {
  const { json } = await platform.client.request('GET', `/v1/apps/${app}`);
  return (json['functions'] as { name: string }[]).map(({ name }) => name);
}

describe('the history of an app', () => {
  it('tells of each version who deployed what, newest first', async () => {
    const name = 'told';
    const commit = { hash: 'ab12cd3', dirty: true };
    await platform.client.deploy({
      manifest: manifest([fn('a')]),
      name,
      tag: 'one',
      commit,
      deployedBy: 'me',
    });
    await platform.client.deploy({ manifest: manifest([fn('a'), fn('b')]), name });

    expect(await history(name)).toEqual([
      { version: 2, deployedAtMs: expect.any(Number) as number, live: true, functions: 2 },
      {
        version: 1,
        deployedAtMs: expect.any(Number) as number,
        live: false,
        functions: 1,
        tag: 'one',
        commit,
        deployedBy: 'me',
      },
    ]);
  });

  it('leaves out a version whose deploy failed', async () => {
    const web = { type: 'endpoint' as const, method: 'GET' as const, docs: false, label: 'wanted' };
    await platform.client.deploy({ manifest: manifest([fn('a', {}, web)]), name: 'owner' });
    await platform.client.deploy({ manifest: manifest([fn('a')]), name: 'late' });
    const refused = await platform.client.deploy({ manifest: manifest([fn('a', {}, web)]), name: 'late' });
    expect(refused.status).toBe(409);

    expect((await history('late')).map(({ version }) => version)).toEqual([1]);
  });
});

describe('a rollback', () => {
  it('makes a new, higher version with the content of the one before', async () => {
    const name = 'back';
    await platform.client.deploy({ manifest: manifest([fn('a', { maxInputs: 3 })]), name, tag: 'good' });
    await platform.client.deploy({ manifest: manifest([fn('a'), fn('b')]), name });

    const reply = await rollback(name, { deployedBy: 'her' });

    expect(reply.json).toMatchObject({ appName: name, version: 3 });
    expect(await functionNames(name)).toEqual(['a']);
    const [newest] = await history(name);
    expect(newest).toMatchObject({ version: 3, live: true, rollbackOf: 1, tag: 'good', deployedBy: 'her' });
  });

  it('goes to the version that is named', async () => {
    const name = 'named';
    for (const functions of [['a'], ['a', 'b'], ['a', 'c']]) {
      await platform.client.deploy({ manifest: manifest(functions.map((each) => fn(each))), name });
    }

    expect((await rollback(name, { version: 2 })).json).toMatchObject({ version: 4 });
    expect(await functionNames(name)).toEqual(['a', 'b']);
  });

  it('is refused without an older version, for an unknown one, and for an app that is not deployed', async () => {
    await platform.client.deploy({ manifest: manifest([fn('a')]), name: 'single' });
    expect((await rollback('single')).status).toBe(404);
    expect((await rollback('single', { version: 9 })).text).toContain('has no version v9');
    expect((await rollback('single', { version: 'x' })).status).toBe(400);
    await platform.client.request('POST', '/v1/apps/single/stop');
    expect((await rollback('single', { version: 1 })).status).toBe(409);
  });
});

describe('an app that is made by name', () => {
  it('is made once, has no functions, and is continued by a deploy', async () => {
    const put = () => platform.client.request('PUT', '/v1/apps/parent');
    const made = await Promise.all([put(), put(), put()]);
    const ids = new Set(made.map(({ json }) => json['id']));
    expect(ids.size).toBe(1);
    expect(made[0]?.json).toMatchObject({ name: 'parent', state: 'deployed', version: 0, functions: [] });

    const deployed = await platform.client.deploy({ manifest: manifest([fn('a')]), name: 'parent' });

    expect(deployed.json).toMatchObject({ appId: [...ids][0], version: 1 });
    expect((await put()).json).toMatchObject({ id: [...ids][0], version: 1 });
    expect((await platform.client.request('PUT', '/v1/apps/a b')).status).toBe(400);
  });
});
