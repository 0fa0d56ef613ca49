import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { registryKeys, type WebResultRecord } from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestPlatform } from '../gateway.fixture.ts';
import type { TestAnswer, TestAsk, TestEndpoint } from '../gateway-types.fixture.ts';
import { digestOf, resultTokenIn } from './result-address.ts';

/** Instead of 150 s. */
const WAIT_MS = 500;
/** For what may have to wait for a busy machine. */
const BUSY = { timeoutMs: 40_000 };

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start({ webWaitMs: WAIT_MS });
});
afterAll(() => platform[Symbol.asyncDispose]());

/** A web function that answers when it is told to. */
async function serveSlow(web: TestEndpoint['web'] = { method: 'POST' }, params: TestEndpoint['params'] = []) {
  let answer: (value: unknown) => void = () => undefined;
  const answered = new Promise<unknown>((resolve) => (answer = resolve));
  const given: unknown[] = [];
  const run = (...args: unknown[]) => (given.push(args), answered);
  const served = await platform.serve({ web, params, run }, { timeoutMs: 60_000, maxInputs: 10 });
  return { ...served, given, answer };
}

function addressIn({ headers, status }: TestAnswer): string {
  expect(status).toBe(303);
  return String(headers.location);
}

function pathOf(address: string): string {
  const { pathname, search } = new URL(address);
  return pathname + search;
}

/** As a client that follows redirects, which are as many as it takes. */
async function follow(host: string, first: TestAnswer, ask: TestAsk = {}): Promise<TestAnswer> {
  let answer = first;
  while (answer.status === 303)
    answer = await platform.ask(host, { ...ask, path: pathOf(addressIn(answer)) });
  return answer;
}

const BODY = [{ name: 'request', type: { type: 'request' as const }, optional: false }];

describe('a request whose answer takes too long', () => {
  test('is sent to the same address with a token, where its one run is waited for again and again', async () => {
    const slow = await serveSlow();
    const first = await platform.ask(slow.host, { verb: 'POST', path: '/?a=1', body: 'x' });
    const address = addressIn(first);
    expect(address).toMatch(
      new RegExp(`^https://${slow.host}:${platform.port}/\\?a=1&__gantry_result=[\\w-]{32}$`),
    );
    const again = await platform.ask(slow.host, { path: pathOf(address) });
    expect(addressIn(again)).toBe(address);

    slow.answer(new Response('done', { status: 201, headers: { 'x-own': 'yes' } }));
    const last = await follow(slow.host, again);
    expect(last).toMatchObject({ status: 201, body: 'done', headers: { 'x-own': 'yes' } });
    // Reloading never runs it again.
    expect(await platform.ask(slow.host, { path: pathOf(address) })).toMatchObject({
      status: 201,
      body: 'done',
    });
    expect(slow.given).toHaveLength(1);
  });

  test('is answered within the wait of a client who is there when it ends', async () => {
    const slow = await serveSlow();
    const first = await platform.ask(slow.host, { verb: 'POST' });
    const rest = follow(slow.host, first);
    slow.answer({ value: 7 });
    expect((await rest).json).toEqual({ value: 7 });
  });

  test('has its result at every gateway, for its own host alone', async () => {
    const slow = await serveSlow();
    const other = await platform.serve({ run: () => 'other' });
    const path = pathOf(addressIn(await platform.ask(slow.host, { verb: 'POST' })));
    const second = await platform.startSecondGateway();
    slow.answer('done');
    const ask = { path, port: Number(new URL(second.url).port) };
    const last = await waitUntil(async () => {
      platform.broadcast();
      const answer = await platform.ask(slow.host, ask);
      return answer.status === 303 ? undefined : answer;
    }, BUSY);
    expect(last).toMatchObject({ status: 200, json: 'done' });
    expect(await platform.ask(other.host, { path })).toMatchObject({
      status: 404,
      json: { code: 'NOT_FOUND' },
    });
    const guessed = path.replace(/.{32}$/, 'A'.repeat(32));
    expect(await platform.ask(slow.host, { path: guessed })).toMatchObject({ status: 404 });
  });

  test('keeps large answers whole, and leaves no file behind', async () => {
    const slow = await serveSlow();
    const first = await platform.ask(slow.host, { verb: 'POST' });
    slow.answer(
      new Response(Buffer.alloc(3_000_000, 'abcdefg'), { headers: { 'content-type': 'text/plain' } }),
    );
    const { body } = await follow(slow.host, first);
    expect(body === 'abcdefg'.repeat(500_000).slice(0, 3_000_000)).toBe(true);
    expect((await platform.ask(slow.host, { verb: 'HEAD', path: pathOf(addressIn(first)) })).body).toBe('');
    const files = await readdir(join(platform.dataDir, 'results'), { recursive: true });
    expect(files.filter((name) => name.includes('/'))).toEqual([]);
  });

  test('goes on waiting for a container, and keeps its body', async () => {
    const deployed = platform.deploy({
      web: { method: 'POST' },
      params: BODY,
      run: (request: Request) => request.text(),
    });
    const first = await platform.ask(deployed.host, { verb: 'POST', body: 'hello' });
    platform.report((await platform.startContainer(deployed)).status);
    expect((await follow(deployed.host, first)).json).toBe('hello');
  });

  test('that its client is still sending is not ended before', async () => {
    const { host } = await platform.serve(
      { web: { method: 'POST' }, params: BODY, run: (request: Request) => request.text() },
      { timeoutMs: 60_000 },
    );
    const request = platform.open(host, { verb: 'POST' });
    const answer = new Promise<number | undefined>((resolve, reject) => {
      request.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
    });
    request.write('one');
    await new Promise((resolve) => setTimeout(resolve, 3 * WAIT_MS));
    request.end('two');
    expect([200, 303]).toContain(await answer);
  });

  test('that fails later says so at its result address', async () => {
    const slow = await serveSlow();
    const first = await platform.ask(slow.host, { verb: 'POST' });
    slow.answer(new Response(new ReadableStream({ start: (stream) => stream.error(new Error('broken')) })));
    expect(await follow(slow.host, first)).toMatchObject({ status: 502, json: { code: 'CONTAINER_FAILED' } });
  });

  test('is lost with the gateway that waited, and whoever asks another one hears of it', async () => {
    const slow = await serveSlow();
    const path = pathOf(addressIn(await platform.ask(slow.host, { verb: 'POST' })));
    const key = registryKeys.webResult(digestOf(resultTokenIn(path) ?? ''));
    const record = (await platform.registry.get<WebResultRecord>(key))?.value;
    // As if it had been killed.
    platform.registry.set(key, { ...record, gatewayId: 'gateway-gone' });
    platform.alive.delete('gateway-gone');
    const last = await follow(slow.host, await platform.ask(slow.host, { path }));
    expect(last).toMatchObject({ status: 502, json: { code: 'CONTAINER_FAILED' } });
    slow.answer('too late');
  });

  test('that streams already is left alone', async () => {
    const { host } = await platform.serve(
      {
        async *run() {
          yield 'a';
          await new Promise((resolve) => setTimeout(resolve, 2 * WAIT_MS));
          yield 'b';
        },
      },
      { timeoutMs: 60_000 },
    );
    // On a busy machine even the first byte may be late.
    const answer = await waitUntil(async () => {
      const { status, body } = await platform.ask(host);
      return status === 200 ? body : undefined;
    }, BUSY);
    expect(answer).toBe('ab');
  });
});

test('answers that are not there when a gateway stops are lost, and the others are stored', async () => {
  await using own = await TestPlatform.start({ webWaitMs: WAIT_MS });
  const { host } = await own.serve({ run: () => new Promise(() => undefined) }, { timeoutMs: 60_000 });
  const { headers } = await own.ask(host);
  const token = resultTokenIn(pathOf(String(headers.location))) ?? '';
  await own.gateway.stop();
  const entry = await own.registry.get<WebResultRecord>(registryKeys.webResult(digestOf(token)));
  expect(entry?.value).toMatchObject({ host, lost: true });
  await own.startGateway();
});
