import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { digestOf, fn, manifest } from './testing/test-client.ts';
import { TestPlatform } from './testing/test-platform.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});

afterAll(async () => {
  await platform.stop();
});

describe('the API', () => {
  it('refuses who has no token or a wrong one', async () => {
    for (const headers of [
      { authorization: '' },
      { authorization: 'Bearer wrong' },
      { authorization: 'Basic x' },
    ]) {
      const { status, json } = await platform.client.request('GET', '/v1/hello', undefined, headers);
      expect({ status, code: json['code'] }).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
    }
    const refused = new WebSocket(`${platform.server.url.replace('http', 'ws')}/v1/session?key=abcdef`, [
      'gantry',
      'bearer.wrong',
    ]);
    const failure = await new Promise<Error>((resolve) => refused.on('error', resolve));
    expect(failure.message).toContain('401');
  });

  it('says who it is', async () => {
    const { json } = await platform.client.request('GET', '/v1/hello');
    expect(json).toMatchObject({ workspace: 'local', environment: 'main', nats: { durability: 'unknown' } });
  });

  it('answers what it does not know with problem details', async () => {
    const { status, json } = await platform.client.request('GET', '/v1/nothing');
    expect(status).toBe(404);
    expect(json).toMatchObject({ title: 'Not Found', status: 404, code: 'NOT_FOUND' });
  });

  it('keeps blobs by digest and refuses others', async () => {
    const bytes = new Uint8Array(300_000).fill(7);
    const digest = digestOf(bytes);
    expect((await platform.client.request('HEAD', `/v1/blobs/${digest}`)).status).toBe(404);
    expect((await platform.client.request('PUT', `/v1/blobs/${digest}`, bytes)).status).toBe(201);
    expect((await platform.client.request('HEAD', `/v1/blobs/${digest}`)).status).toBe(200);
    expect((await platform.client.request('GET', `/v1/blobs/${digest}`)).text).toHaveLength(300_000);
    expect((await platform.client.request('PUT', `/v1/blobs/sha256-${'0'.repeat(64)}`, bytes)).status).toBe(
      400,
    );
    expect((await platform.client.request('PUT', '/v1/blobs/..%2Fetc', bytes)).status).toBe(400);
    expect((await platform.client.request('GET', `/v1/blobs/sha256-${'1'.repeat(64)}`)).status).toBe(404);
  });

  it('keeps values under the day and their digest', async () => {
    const bytes = new Uint8Array(600_000).fill(8);
    const digest = digestOf(bytes);
    const { status, json } = await platform.client.request('PUT', `/v1/values/${digest}`, bytes);
    expect({ status, json }).toEqual({
      status: 201,
      json: { blob: expect.stringMatching(`^d\\d+-${digest}$`) },
    });
    expect((await platform.client.request('GET', `/v1/blobs/${String(json['blob'])}`)).text).toHaveLength(
      600_000,
    );
    expect((await platform.client.request('HEAD', `/v1/blobs/${digest}`)).status).toBe(404);
    const refused = [
      ['PUT', `/v1/values/${String(json['blob'])}`, 400],
      ['PUT', `/v1/blobs/${String(json['blob'])}`, 400],
      ['PUT', `/v1/values/sha256-${'0'.repeat(64)}`, 400],
      ['GET', `/v1/blobs/d1-${digest}`, 404],
    ] as const;
    for (const [method, path, expected] of refused) {
      const body = method === 'PUT' ? bytes : undefined;
      expect((await platform.client.request(method, path, body)).status, path).toBe(expected);
    }
  });

  it.each([
    ['no JSON', 'not json', 400],
    ['no object', 'null', 400],
    ['no manifest', { environment: 'main' }, 400],
    ['another schema version', { manifest: { schemaVersion: 99 } }, 426],
    ['a bad function name', { manifest: manifest([fn('a b')]) }, 400],
    ['two functions of one name', { manifest: manifest([fn('a'), fn('a')]) }, 422],
    [
      'more minimum than maximum',
      { manifest: manifest([fn('a', { minContainers: 2, maxContainers: 1 })]) },
      400,
    ],
    ['a timeout of no time', { manifest: manifest([fn('a', { timeoutMs: 0 })]) }, 400],
    ['a name with spaces', { manifest: manifest([fn('a')]), name: 'my shop' }, 400],
    ['no name', { manifest: manifest([fn('a')], { appName: undefined }) }, 400],
    ['a bad environment', { manifest: manifest([fn('a')]), environment: 'a b' }, 400],
    ['null for a name', { manifest: manifest([fn('a')]), name: null }, 400],
    ['null for the app of the manifest', { manifest: { ...manifest([fn('a')]), appName: null } }, 400],
    ['a tag nested beyond reason', { manifest: manifest([fn('a')]), tag: nested(1_000) }, 400],
    ['interactive without ephemeral', { manifest: manifest([fn('a')]), interactive: true }, 400],
    ['an app id without ephemeral', { manifest: manifest([fn('a')]), appId: 'ap-1' }, 400],
    [
      'a bad label',
      { manifest: manifest([fn('a', {}, { type: 'endpoint', method: 'GET', docs: false, label: 'A_b' })]) },
      400,
    ],
    [
      'blobs that were not uploaded',
      {
        manifest: {
          ...manifest([fn('a')]),
          bundle: { path: 'x', digest: `sha256-${'2'.repeat(64)}`, sizeBytes: 1 },
        },
      },
      404,
    ],
  ])('refuses a deploy with %s', async (_what, body, status) => {
    const isText = typeof body === 'string';
    const reply = isText
      ? await platform.client.request('POST', '/v1/deployments', body)
      : await platform.client.deploy(body as unknown as { manifest: ReturnType<typeof manifest> });
    expect(reply.status, reply.text).toBe(status);
    expect(reply.json['message']).toBeTruthy();
  });

  it('refuses a manifest that is too large', async () => {
    const reply = await platform.client.request('POST', '/v1/deployments', 'x'.repeat(9 * 1024 ** 2));
    expect({ status: reply.status, code: reply.json['code'] }).toEqual({
      status: 413,
      code: 'REQUEST_TOO_LARGE',
    });
  });

  it('lives on after everything above', async () => {
    expect((await platform.client.request('GET', '/v1/hello')).status).toBe(200);
  });
});

function nested(levels: number): unknown {
  return levels === 0 ? 'tag' : [nested(levels - 1)];
}
