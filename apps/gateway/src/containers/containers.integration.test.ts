import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestPlatform } from '../gateway.fixture.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});

afterAll(() => platform[Symbol.asyncDispose]());

describe('containers', () => {
  test('that come late are waited for, and asked for at once', async () => {
    const deployed = platform.deploy({ run: () => 'late' });
    const container = await platform.startContainer(deployed);
    const before = platform.demands.length;
    const answer = platform.ask(deployed.host);
    const demand = await waitUntil(() => platform.demands[before]);
    expect(demand).toMatchObject({
      pool: deployed.record.id,
      functionId: deployed.record.id,
      waitingRequests: 1,
    });
    platform.report({ ...container.status, state: 'starting' });
    platform.report(container.status);
    expect((await answer).json).toBe('late');
    await waitUntil(() => platform.demands.at(-1)?.waitingRequests === 0);
  });

  test('that never come end the wait with 503', async () => {
    const { host } = platform.deploy({ run: () => 'never' }, { startupTimeoutMs: 500 });
    expect(await platform.ask(host)).toMatchObject({ status: 503, json: { code: 'UNAVAILABLE' } });
  });

  test('whose code does not load end the wait at once', async () => {
    const deployed = platform.deploy({ run: () => 'never' });
    const { status } = await platform.startContainer(deployed);
    const answer = platform.ask(deployed.host);
    await waitUntil(() => platform.demands.at(-1)?.pool === status.pool);
    platform.report({ ...status, state: 'starting' });
    platform.report({ ...status, state: 'stopped', exit: { reason: 'loadFailed', code: 1, signal: null } });
    expect(await answer).toMatchObject({ status: 500, json: { code: 'CONTAINER_FAILED' } });
  });

  test('get no more requests at once than they take', async () => {
    let running = 0;
    let most = 0;
    const { host } = await platform.serve(
      {
        async run() {
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setTimeout(resolve, 5));
          running -= 1;
        },
      },
      { maxInputs: 2 },
    );
    const answers = await Promise.all(Array.from({ length: 20 }, () => platform.ask(host)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(most).toBe(2);
  });

  test('of a class are chosen by its parameters in the query', async () => {
    const parameters = [
      { name: 'lang', type: { type: 'string' as const }, optional: true, defaultValue: 'eng' },
      { name: 'size', type: { type: 'integer' as const }, optional: false },
    ];
    const deployed = platform.deploy({ run: () => 'deu 5' }, { parameters });
    const container = await platform.startContainer(deployed, { lang: 'deu', size: 5 });
    platform.report(container.status);
    expect((await platform.ask(deployed.host, { path: '/?size=5&lang=deu' })).json).toBe('deu 5');
    expect(await platform.ask(deployed.host, { path: '/?size=x' })).toMatchObject({
      status: 422,
      json: { detail: [{ loc: ['query', 'size'], type: 'int_parsing' }] },
    });
    expect((await platform.ask(deployed.host)).json).toMatchObject({ detail: [{ type: 'missing' }] });
  });

  test('of the old version serve until the new one is ready', async () => {
    const old = await platform.serve({ run: () => 'old' });
    const fresh = platform.deploy({ run: () => 'new' }, { version: 2, of: old });
    expect((await platform.ask(old.host)).json).toBe('old');
    // Requests of other tests may still signal their own demand.
    const ownDemand = platform.demands.findLast(({ pool }) => pool === old.record.id);
    expect(ownDemand).toMatchObject({ waitingRequests: 0 });
    platform.report((await platform.startContainer(fresh)).status);
    expect((await platform.ask(old.host)).json).toBe('new');
  });

  test('that are gone are passed over', async () => {
    const deployed = await platform.serve({ web: { method: 'POST' }, run: () => 'here' });
    platform.report({
      ...deployed.container.status,
      containerId: 'ta-gone',
      httpSocketPath: join(platform.dataDir, 'gone.sock'),
      startedAtMs: 1,
    });
    for (let i = 0; i < 4; i++) {
      platform.broadcast();
      expect(await platform.ask(deployed.host, { verb: 'POST', body: 'x' })).toMatchObject({ status: 200 });
    }
  });

  test('that die before they answer are 502 for what cannot be repeated', async () => {
    const dying = await platform.serve({ web: { method: 'POST' }, run: () => new Promise(() => undefined) });
    const socketPath = join(platform.dataDir, 'dying.sock');
    const server = createServer((socket) => socket.once('data', () => socket.destroy())).listen(socketPath);
    platform.report({ ...dying.container.status, httpSocketPath: socketPath, containerId: 'ta-dying' });
    platform.report({ ...dying.container.status, state: 'draining' });
    expect(await platform.ask(dying.host, { verb: 'POST', body: 'x' })).toMatchObject({
      status: 502,
      json: { code: 'CONTAINER_FAILED' },
    });
    server.close();
  });

  test('that break off within an answer cut the connection, so that nobody takes it for whole', async () => {
    let breakOff = () => undefined as unknown;
    const { host } = await platform.serve({
      async *run() {
        yield 'begun';
        await new Promise((_, reject) => (breakOff = () => reject(new Error('broken'))));
      },
    });
    const response = await platform.openAnswer(host);
    await once(response, 'data');
    breakOff();
    await expect(text(response)).rejects.toThrow('aborted');
    expect((await platform.ask(host, { verb: 'OPTIONS' })).status).toBe(200);
  });

  test('that die are replaced for what may be repeated', async () => {
    const deployed = await platform.serve({ run: () => 'second' });
    const socketPath = join(platform.dataDir, 'dying2.sock');
    const server = createServer((socket) => socket.once('data', () => socket.destroy())).listen(socketPath);
    platform.report({ ...deployed.container.status, state: 'draining' });
    platform.report({ ...deployed.container.status, httpSocketPath: socketPath, containerId: 'ta-dying2' });
    const answer = platform.ask(deployed.host);
    await waitUntil(() => platform.demands.at(-1)?.pool === deployed.record.id);
    platform.report(deployed.container.status);
    expect((await answer).json).toBe('second');
    server.close();
  });
});
