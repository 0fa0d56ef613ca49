import { once } from 'node:events';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, type ClientOptions } from 'ws';

import { TestPlatform } from './gateway.fixture.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform[Symbol.asyncDispose]());

const GOOD = { 'gantry-key': 'wk-1', 'gantry-secret': 'ws-secret' };

describe('a function that requires a proxy token', () => {
  test('starts for nobody without one, and answers 401', async () => {
    const { host, record } = platform.deploy({ web: { requiresProxyAuth: true }, run: () => 'hi' });
    platform.setProxyToken('wk-1', 'ws-secret');
    for (const headers of [
      {},
      { 'gantry-key': 'wk-1' },
      { 'gantry-secret': 'ws-secret' },
      { ...GOOD, 'gantry-key': 'wk-2' },
      { ...GOOD, 'gantry-secret': 'ws-other' },
      { ...GOOD, 'gantry-secret': '' },
    ]) {
      const answer = await platform.ask(host, { headers });
      expect(answer).toMatchObject({ status: 401, json: { code: 'UNAUTHENTICATED' } });
      expect(answer.headers).toHaveProperty('www-authenticate');
    }
    expect(platform.demands.filter(({ pool }) => pool === record.id)).toEqual([]);
  });

  test('answers those who have one, until it is revoked, and never sees it', async () => {
    const deployed = platform.deploy({
      web: { requiresProxyAuth: true },
      params: [{ name: 'request', type: { type: 'request' }, optional: false }],
      run: (request: Request) => [...request.headers.keys()].filter((name) => name.startsWith('gantry-')),
    });
    platform.report((await platform.startContainer(deployed)).status);
    platform.setProxyToken('wk-1', 'ws-secret');
    expect(await platform.ask(deployed.host, { headers: GOOD })).toMatchObject({ status: 200, json: [] });
    platform.setProxyToken('wk-1', undefined);
    expect((await platform.ask(deployed.host, { headers: GOOD })).status).toBe(401);
  });

  test('refuses handshakes of WebSockets, too', async () => {
    const { host } = platform.deploy({
      web: { type: 'asgi', requiresProxyAuth: true },
      run: () => undefined,
    });
    const toGateway = { servername: host, ca: platform.ca, headers: { host } };
    const options: ClientOptions = toGateway;
    const socket = new WebSocket(`wss://127.0.0.1:${platform.port}/`, options);
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    socket.terminate();
    expect(response.statusCode).toBe(401);
  });
});

test('a function that requires none gets no token that a client sends nevertheless', async () => {
  const deployed = platform.deploy({
    params: [{ name: 'request', type: { type: 'request' }, optional: false }],
    run: (request: Request) => request.headers.has('gantry-secret'),
  });
  platform.report((await platform.startContainer(deployed)).status);
  expect(await platform.ask(deployed.host, { headers: GOOD })).toMatchObject({ status: 200, json: false });
});
