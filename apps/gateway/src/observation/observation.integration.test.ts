import { once } from 'node:events';
import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestPlatform } from '../gateway.fixture.ts';

/** For what may have to wait for a busy machine. */
const BUSY = { timeoutMs: 30_000 };

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform[Symbol.asyncDispose]());

/** The line of a request, once it is in the log of its app. */
function lineWith(text: string) {
  return waitUntil(() => platform.logged.find((entry) => entry.text.includes(text)), BUSY);
}

describe('each request', () => {
  test('has a line in the log of its app, with function, container, status and time', async () => {
    const { host, container } = await platform.serve({ run: () => 'hi' });
    await platform.ask(host, { path: '/?secret=1' });
    const { containerId } = container.status;
    const entry = await lineWith('GET / 200 in ');
    expect(entry).toMatchObject({
      ...{ appId: 'ap-test', under: containerId, containerId, functionName: 'checkout' },
      ...{ stream: 'system', routine: true, text: expect.stringMatching(/^GET \/ 200 in \d+ ms$/) as string },
    });
    expect(JSON.stringify(platform.logged)).not.toContain('secret');
  });

  test('that reached no container has one, too', async () => {
    const { host, record } = await platform.serve({ run: () => 'hi' });
    platform.setRecord({ ...record, stopped: true });
    await platform.ask(host, { path: '/stopped' });
    expect(await lineWith('GET /stopped 503')).toMatchObject({ under: 'system', containerId: '' });
  });

  test('whose client leaves has one with 499', async () => {
    const { host } = platform.deploy({ run: () => 'never' });
    const request = platform.open(host, { path: '/left' });
    request.on('error', () => undefined);
    request.end();
    await waitUntil(() => platform.demands.at(-1)?.waitingRequests === 1);
    request.destroy();
    expect((await lineWith('GET /left')).text).toContain(' 499 ');
  });

  test('counts in the metrics, which name no app', async () => {
    const { host } = await platform.serve({ run: () => 'hi' });
    const read = async (): Promise<Record<string, number>> => {
      const { body, headers } = await platform.ask('gantry.localhost', { path: '/metrics' });
      expect(headers['content-type']).toContain('text/plain; version=0.0.4');
      expect(body).not.toContain('checkout');
      for (const line of body.trimEnd().split('\n'))
        expect(line).toMatch(/^(# (HELP|TYPE) .+|[a-z_]+(\{.*\})? [\d.e+-]+)$/);
      const samples = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      return Object.fromEntries(
        samples.map((line): [string, number] => {
          const at = line.lastIndexOf(' ');
          return [line.slice(0, at), Number(line.slice(at + 1))];
        }),
      );
    };
    const ok = 'gantry_gateway_requests_total{status="200"}';
    const before = (await read())[ok] ?? 0;
    for (let i = 0; i < 3; i++) await platform.ask(host);
    const after = await waitUntil(async () => {
      const samples = await read();
      return (samples[ok] ?? 0) >= before + 3 ? samples : undefined;
    });
    expect(after['gantry_gateway_request_duration_seconds_bucket{le="+Inf"}']).toBe(
      after['gantry_gateway_request_duration_seconds_count'],
    );
    expect(after['gantry_gateway_containers']).toBeGreaterThan(0);
    expect(after['gantry_gateway_requests_waiting']).toBe(0);
  });
});

test('the health of a gateway is told at the bare domain', async () => {
  expect((await platform.ask('gantry.localhost', { path: '/healthz' })).json).toEqual({ status: 'ok' });
});

describe('a gateway that stops', () => {
  test('lets requests end that run or wait, closes what is idle, takes nothing new, and another one serves on', async () => {
    await using own = await TestPlatform.start({ drainMs: 60_000 });
    let finish: ((answer: string) => void) | undefined;
    const { host } = await own.serve(
      { run: () => new Promise<string>((resolve) => (finish = resolve)) },
      { timeoutMs: 60_000 },
    );
    const late = own.deploy({ run: () => 'late' });
    const second = await own.startSecondGateway();
    const idle = own.open('gantry.localhost', { path: '/healthz' });
    idle.end();
    const [health] = await once(idle, 'response');
    health.resume();
    const idleClosed = once(idle.socket ?? idle, 'close');
    const running = own.ask(host);
    const waiting = own.ask(late.host);
    await waitUntil(() => finish && own.demands.some(({ waitingRequests }) => waitingRequests === 1), BUSY);
    const { port } = own;
    let isStopped = false;
    const stopped = own.gateway.stop().then(() => (isStopped = true));

    await idleClosed;
    await expect(own.ask(host, { port })).rejects.toThrow('ECONNREFUSED');
    const health2 = { path: '/healthz', port: Number(new URL(second.url).port) };
    expect((await own.ask('gantry.localhost', health2)).status).toBe(200);
    expect(isStopped).toBe(false);
    finish?.('done');
    expect((await running).json).toBe('done');
    own.report((await own.startContainer(late)).status);
    expect((await waiting).json).toBe('late');
    await stopped;
    await own.startGateway();
  });

  test('gives up what takes too long: 503 for what waits, a cut for what runs', async () => {
    await using own = await TestPlatform.start({ drainMs: 300 });
    let isRunning = false;
    const run = () => ((isRunning = true), new Promise(() => undefined));
    const { host } = await own.serve({ run }, { timeoutMs: 60_000 });
    const waiting = own.ask(own.deploy({ run: () => 'never' }).host);
    const running = own.ask(host).catch((error: Error) => error.message);
    await waitUntil(
      () => isRunning && own.demands.some(({ waitingRequests }) => waitingRequests === 1),
      BUSY,
    );
    await own.gateway.stop();
    expect((await waiting).status).toBe(503);
    expect(await running).toBe('socket hang up');
    await own.startGateway();
  });
});
