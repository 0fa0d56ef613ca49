import {
  type AppRecord,
  type EnvironmentReport,
  type FunctionRecord,
  newId,
  NotFoundError,
  registryKeys,
} from '@gantry/protocol';
import { Client, Dict, Queue, Secret, Volume } from 'gantry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { fn, manifest, TestClient, TOKEN } from '../testing/test-client.ts';
import { TestPlatform } from '../testing/test-platform.ts';

const LIMIT = { timeout: 30_000 };
const web = { type: 'endpoint' as const, method: 'GET' as const, docs: false };

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});

afterAll(() => platform.stop());

const request = (method: string, path: string, body?: unknown) => platform.client.request(method, path, body);

function page(appName: string) {
  return manifest([fn('page', {}, web)], { appName });
}

async function urlOf(environment: string, appName: string): Promise<string> {
  const reply = await platform.client.deploy({ environment, manifest: page(appName) });
  expect(reply.status, reply.text).toBe(200);
  return (reply.json['functions'] as { urls: Record<string, string> }[])[0]?.urls[''] ?? '';
}

describe('environments', () => {
  it('are main, which always exists, and those that were made', async () => {
    expect((await request('GET', '/v1/environments')).json).toMatchObject({
      environments: [{ id: 'main', name: 'main', webSuffix: '' }],
    });
    const made = await request('POST', '/v1/environments', { name: 'Staging_2' });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({ name: 'Staging_2', webSuffix: 'staging-2' });
    const { environments } = (await request('GET', '/v1/environments')).json as {
      environments: { name: string }[];
    };
    expect(environments.map(({ name }) => name)).toEqual(['main', 'Staging_2']);
  });

  it.each([
    [{ name: '' }, 400, 'the environment name "" is not valid'],
    [{ name: 'x'.repeat(200) }, 400, 'is not valid'],
    [{ name: 'a/b' }, 400, 'is not valid'],
    [{ name: 'en-0123456789012345678901' }, 400, 'that is the form of an environment id'],
    [{ name: '...' }, 400, 'no web suffix can be made of the name'],
    [{ name: 'main' }, 409, 'there is an environment "main" already'],
    [{ name: 'MAIN', webSuffix: '' }, 409, 'the environment "main" has no web suffix already'],
    [{ name: 'a', webSuffix: 'A b' }, 400, '"A b" cannot be a web suffix'],
    [{ name: 7 }, 400, '"name" of the environment is wrong'],
    [{ name: 'a', colour: 'red' }, 400, '"colour" of the environment is wrong'],
  ])('are refused if they are %j', async (body, status, message) => {
    const reply = await request('POST', '/v1/environments', body);
    expect(reply).toMatchObject({ status, json: { message: expect.stringContaining(message) as string } });
  });

  it('differ in their web suffixes, even where names differ in case alone', async () => {
    await platform.client.createEnvironment('case');
    const upper = await request('POST', '/v1/environments', { name: 'CASE' });
    expect(upper.json).toMatchObject({
      message: 'the environment "case" has the web suffix "case" already',
      hint: 'Give "CASE" another one: --web-suffix <text>, or --set-web-suffix <text> of an update.',
    });
    expect((await request('POST', '/v1/environments', { name: 'CASE', webSuffix: 'upper' })).status).toBe(
      201,
    );
  });

  it('are made once, however many servers are asked at the same time', LIMIT, async () => {
    const other = await platform.startAnotherServer();
    try {
      const clients = [platform.client, new TestClient(other.url)];
      const replies = await Promise.all(
        [0, 1, 0, 1, 0, 1].map((at) => clients[at]?.request('POST', '/v1/environments', { name: 'raced' })),
      );
      const statuses = replies.map((reply) => reply?.status).sort();
      expect(statuses).toEqual([201, 409, 409, 409, 409, 409]);
      // Found at once where it was not made.
      for (const client of clients)
        expect((await client.request('GET', '/v1/apps?environment=raced')).json).toEqual({ apps: [] });
    } finally {
      await other.stop();
    }
  });
});

describe('an environment that does not exist', () => {
  const message = 'there is no environment "stagin"';

  it.each([
    ['GET', '/v1/apps?environment=stagin', undefined],
    ['PUT', '/v1/apps/a?environment=stagin', undefined],
    ['GET', '/v1/apps/a?environment=stagin', undefined],
    ['GET', '/v1/apps/a/functions/f?environment=stagin', undefined],
    ['POST', '/v1/apps/a/stop?environment=stagin', undefined],
    ['GET', '/v1/apps/a/schedules?environment=stagin', undefined],
    ['POST', '/v1/apps/a/functions/f/run?environment=stagin', undefined],
    ['GET', '/v1/apps/a/deployments?environment=stagin', undefined],
    ['GET', '/v1/apps/a/interface?environment=stagin', undefined],
    ['POST', '/v1/apps/a/rollback?environment=stagin', {}],
    ['GET', '/v1/apps/a/logs?environment=stagin', undefined],
    ['GET', '/v1/containers?environment=stagin', undefined],
    ['GET', '/v1/secrets?environment=stagin', undefined],
    ['GET', '/v1/secrets/s?environment=stagin', undefined],
    ['PUT', '/v1/secrets/s?environment=stagin', { values: { A: '1' } }],
    ['DELETE', '/v1/secrets/s?environment=stagin', undefined],
    ['GET', '/v1/volumes?environment=stagin', undefined],
    ['POST', '/v1/volumes?environment=stagin', undefined],
    ['PUT', '/v1/volumes/v?environment=stagin', undefined],
    ['GET', '/v1/volumes/v?environment=stagin', undefined],
    ['GET', '/v1/volumes/v/entries?environment=stagin', undefined],
    ['POST', '/v1/volumes/v/rename?environment=stagin', { name: 'w' }],
    ['DELETE', '/v1/volumes/v?environment=stagin', undefined],
    ['POST', '/v1/deployments', { environment: 'stagin', manifest: manifest([fn('f')]) }],
    ['POST', '/v1/deployments', { environment: 'stagin', manifest: manifest([fn('f')]), ephemeral: true }],
    ['POST', '/v1/images', { environment: 'stagin', manifest: manifest([fn('f')]) }],
    ['GET', '/v1/environments/stagin', undefined],
    ['GET', '/v1/environments/stagin/contents', undefined],
    ['PATCH', '/v1/environments/stagin', { webSuffix: 'x' }],
    ['DELETE', '/v1/environments/stagin', undefined],
  ])('is named as what is wrong by %s %s', async (method, path, body) => {
    expect(await request(method, path, body)).toMatchObject({
      status: 404,
      json: { code: 'NOT_FOUND', message },
    });
  });

  it('is named by dicts and queues, with those there are and the way to make it', async () => {
    await platform.client.createEnvironment('staging');
    await using client = new Client({ serverUrl: platform.server.url, token: TOKEN, environment: 'stagin' });
    const dict = Dict.fromName('d', { client, createIfMissing: true });
    const queue = Queue.fromName('q', { client, createIfMissing: true });
    const failed: unknown = await dict.get('x').catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(NotFoundError);
    expect(failed).toMatchObject({
      message,
      hint: expect.stringMatching(
        /^Did you mean "staging"\? Those there are: main, .+ Make it: gantry environment create stagin$/,
      ) as string,
    });
    await expect(queue.len()).rejects.toThrow(message);
    await expect(Dict.list({ client })).rejects.toThrow(message);
    await expect(Dict.ephemeral({ client })).rejects.toThrow(message);
  });

  it('cannot be where a function looks for its secrets', async () => {
    const secrets = [{ type: 'named' as const, name: 's', environment: 'stagin' }];
    expect((await platform.client.deploy({ manifest: manifest([fn('f', { secrets })]) })).json).toMatchObject(
      {
        code: 'NOT_FOUND',
        message,
      },
    );
  });
});

describe('a new name', () => {
  it('leaves everything where it is, and the old name is unknown', LIMIT, async () => {
    const { client } = platform;
    await client.createEnvironment('before');
    await client.request('PUT', '/v1/secrets/s?environment=before', { values: { A: '1' } });
    await client.request('PUT', '/v1/volumes/v?environment=before');
    const secrets = [{ type: 'named' as const, name: 's', environment: 'before' }];
    const elsewhere = await platform.deployFresh([fn('f', { secrets })]);
    const app = await client.deploy({ environment: 'before', manifest: page('kept') });
    const sdk = new Client({ serverUrl: platform.server.url, token: TOKEN, environment: 'after' });
    await using _closing = sdk;
    await using early = new Client({ serverUrl: platform.server.url, token: TOKEN, environment: 'before' });
    await Dict.fromName('d', { client: early, createIfMissing: true }).put('x', 1);

    const renamed = await request('PATCH', '/v1/environments/before', { name: 'after' });
    expect(renamed.json).toMatchObject({ name: 'after', webSuffix: 'before' });

    expect((await request('GET', '/v1/apps/kept?environment=after')).json).toMatchObject({
      id: app.json['appId'],
      environment: 'after',
    });
    expect((await request('GET', '/v1/apps/kept?environment=before')).json).toMatchObject({
      message: 'there is no environment "before"',
    });
    expect((await request('GET', '/v1/apps/kept/interface?environment=after')).json).toMatchObject({
      environment: 'after',
    });
    expect((await request('GET', '/v1/secrets?environment=after')).json).toMatchObject({
      secrets: [{ name: 's', environment: 'after' }],
    });
    expect((await request('GET', '/v1/volumes?environment=after')).json).toMatchObject({
      volumes: [{ name: 'v', environment: 'after' }],
    });
    expect(await Dict.fromName('d', { client: sdk }).get('x')).toBe(1);
    expect(await Dict.list({ client: sdk })).toMatchObject([{ name: 'd', environment: 'after' }]);
    expect((await request('GET', '/v1/volumes/w?environment=after')).json).toMatchObject({
      message: 'there is no volume "w" in environment "after"',
    });
    const next = await client.deploy({ environment: 'after', manifest: page('kept') });
    expect(next.json).toMatchObject({ appId: app.json['appId'], version: 2 });
    // Apps of other environments find the same secret.
    const { registry } = platform.messaging;
    const record = await registry.get<FunctionRecord>(registryKeys.function(elsewhere.functionId));
    expect(record?.value.spec.options.secrets).toEqual([
      { type: 'named', name: 's', environment: renamed.json['id'] },
    ]);
  });

  it('can be one that was another one’s, which then is not found by it', async () => {
    await platform.client.createEnvironment('first');
    await request('PUT', '/v1/volumes/v?environment=first');
    await request('PATCH', '/v1/environments/first', { name: 'second', webSuffix: 'second' });
    await platform.client.createEnvironment('first');
    expect((await request('GET', '/v1/volumes?environment=first')).json).toEqual({ volumes: [] });
    expect((await request('GET', '/v1/volumes?environment=second')).json).toMatchObject({
      volumes: [{ name: 'v' }],
    });
    expect((await request('PATCH', '/v1/environments/first', { name: 'second' })).status).toBe(409);
  });

  it('is refused to main', async () => {
    expect((await request('PATCH', '/v1/environments/main', { name: 'prod' })).json).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'the environment "main" cannot be renamed',
    });
    expect((await request('PATCH', '/v1/environments/main', {})).status).toBe(400);
  });
});

describe('a web suffix', () => {
  it('is in the host names of what is deployed from then on', async () => {
    await platform.client.createEnvironment('shown');
    expect(await urlOf('main', 'web')).toBe('https://local--web-page.gantry.localhost:7443');
    expect(await urlOf('shown', 'web')).toBe('https://local-shown--web-page.gantry.localhost:7443');
    await request('PATCH', '/v1/environments/shown', { webSuffix: 'sh' });
    expect((await request('GET', '/v1/apps/web?environment=shown')).json).toMatchObject({
      functions: [{ urls: { '': 'https://local-shown--web-page.gantry.localhost:7443' } }],
    });
    expect(await urlOf('shown', 'web')).toBe('https://local-sh--web-page.gantry.localhost:7443');
    const routes = await platform.messaging.registry.list<{ host: string }>(registryKeys.allRoutes);
    expect(routes.map(({ value }) => value.host)).not.toContain('local-shown--web-page.gantry.localhost');
  });

  it('can be that of main, and then another environment has none', async () => {
    await platform.client.createEnvironment('bare');
    expect((await request('PATCH', '/v1/environments/bare', { webSuffix: '' })).json).toMatchObject({
      message: 'the environment "main" has no web suffix already',
    });
    await request('PATCH', '/v1/environments/main', { webSuffix: 'prod' });
    try {
      await request('PATCH', '/v1/environments/bare', { webSuffix: '' });
      expect(await urlOf('main', 'swapped')).toBe('https://local-prod--swapped-page.gantry.localhost:7443');
      expect(await urlOf('bare', 'swapped')).toBe('https://local--swapped-page.gantry.localhost:7443');
    } finally {
      await request('PATCH', '/v1/environments/bare', { webSuffix: 'bare' });
      await request('PATCH', '/v1/environments/main', { webSuffix: '' });
    }
  });
});

describe('the end of an environment', () => {
  it('is the end of all in it, and its name is free for one that begins empty', LIMIT, async () => {
    const { client, messaging } = platform;
    await client.createEnvironment('brief');
    await using sdk = new Client({ serverUrl: platform.server.url, token: TOKEN, environment: 'brief' });
    await client.request('PUT', '/v1/secrets/s?environment=brief', { values: { A: '1' } });
    await Volume.fromName('v', { client: sdk, createIfMissing: true }).hydrate();
    await Dict.fromName('d', { client: sdk, createIfMissing: true }).put('x', 1);
    await Queue.fromName('q', { client: sdk, createIfMissing: true }).put(1);
    await urlOf('brief', 'over');
    const { appId } = (await client.deploy({ environment: 'brief', manifest: page('over') })).json;

    const contents = { apps: 1, volumes: 1, secrets: 1, dicts: 1, queues: 1 };
    expect((await request('GET', '/v1/environments/brief/contents')).json).toEqual(contents);
    const deleted = await request('DELETE', '/v1/environments/brief');
    expect(deleted).toMatchObject({ status: 200, json: { name: 'brief', contents } });

    const stopped = await messaging.registry.get<AppRecord>(registryKeys.app(String(appId)));
    expect(stopped?.value).toMatchObject({
      state: 'stopped',
      stopReason: 'the environment "brief" was deleted',
    });
    expect((await request('GET', '/v1/apps?environment=brief')).status).toBe(404);
    const { id } = deleted.json as unknown as EnvironmentReport;
    await expect.poll(() => leftIn(id), LIMIT).toEqual([]);
    await client.createEnvironment('brief');
    expect((await request('GET', '/v1/environments/brief/contents')).json).toEqual({
      ...{ apps: 0, volumes: 0, secrets: 0, dicts: 0, queues: 0 },
    });
    await expect(Secret.fromName('s', { environment: 'brief' }).hydrate(sdk)).rejects.toThrow(
      'there is no secret "s" in environment "brief"',
    );
    await expect(Dict.fromName('d', { client: sdk }).get('x')).rejects.toThrow('there is no dict "d"');
  });

  it('is told to a deploy that is under way, which leaves nothing behind', LIMIT, async () => {
    const { client } = platform;
    for (let round = 0; round < 5; round++) {
      const name = `doomed-${round}`;
      await client.createEnvironment(name);
      const deploys = [1, 2, 3].map((at) =>
        client.deploy({ environment: name, manifest: page(`late-${at}`) }),
      );
      const deleted = await request('DELETE', `/v1/environments/${name}`);
      for (const { status, json } of await Promise.all(deploys)) {
        if (status !== 200) expect(json).toMatchObject({ code: 'NOT_FOUND' });
      }
      await expect.poll(() => leftIn(String(deleted.json['id'])), LIMIT).toEqual([]);
    }
  });

  it('comes for what got into it late, from the server that leads', LIMIT, async () => {
    await platform.client.createEnvironment('late');
    const { id } = (await request('DELETE', '/v1/environments/late')).json as unknown as EnvironmentReport;
    const app: AppRecord = {
      ...{ id: newId('ap'), name: 'late', environment: id, state: 'deployed', version: 1, createdAtMs: 1 },
    };
    await platform.messaging.registry.put(registryKeys.app(app.id), app);
    await expect.poll(() => leftIn(id), LIMIT).toEqual([]);
  });

  it('is refused to main', async () => {
    expect((await request('DELETE', '/v1/environments/main')).json).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'the environment "main" cannot be deleted',
    });
    expect((await request('GET', '/v1/apps')).status).toBe(200);
  });
});

/** Keys of all that belongs to an environment and is not stopped. */
async function leftIn(environmentId: string): Promise<string[]> {
  const { registry } = platform.messaging;
  const patterns = [registryKeys.allApps, registryKeys.allVolumes, registryKeys.allCollections];
  const left: string[] = [];
  for (const pattern of [...patterns, registryKeys.allSecrets, registryKeys.allFunctions])
    for (const { key, value } of await registry.list<Partial<AppRecord & FunctionRecord>>(pattern))
      if (value.environment === environmentId && value.state !== 'stopped' && !value.stopped) left.push(key);
  return left;
}
