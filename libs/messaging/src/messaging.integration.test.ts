import { setTimeout as delay } from 'node:timers/promises';
import {
  InvalidError,
  type LogEntry,
  newCallId,
  newId,
  type OutputMessage,
  subjects,
} from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { connectMessaging, type InputDelivery, type Messaging } from './index.ts';
import { type OwnMessaging, startMessaging } from './messaging.fixture.ts';
import { newInput, outputOf, sessionKey } from './sample-inputs.ts';

describe('messaging over a real nats-server', () => {
  let own: OwnMessaging;
  let messaging: Messaging;

  beforeAll(async () => {
    own = await startMessaging();
    ({ messaging } = own);
  });
  afterAll(() => own[Symbol.asyncDispose]());

  async function newPool(): Promise<string> {
    const pool = newId('fu');
    await messaging.inputs.ensurePool(pool);
    return pool;
  }

  it('creates streams once and accepts that they exist', async () => {
    await messaging.ensureStreams();
    expect(messaging.server.version).toMatch(/^\d+\.\d+/);
  });

  it('has one rate limit for all processes that are given it', async () => {
    const [one, other] = await Promise.all(
      ['one', 'other'].map((name) => connectMessaging({ url: own.nats.url, name, rateLimit: 1 })),
    );
    one?.rate.admit(5);
    await waitUntil(() => {
      try {
        other?.rate.admit(2);
      } catch {
        return true;
      }
      return false;
    });
    expect(() => messaging.rate.admit(1_000_000)).not.toThrow();
    await Promise.all([one?.close(), other?.close()]);
  });

  it('delivers each input that was asked for, and no more', async () => {
    const pool = await newPool();
    const inputs = Array.from({ length: 5 }, (_, index) => newInput({ index }));
    await Promise.all(inputs.map((input) => messaging.inputs.submit(pool, input)));
    const deliveries: InputDelivery[] = [];
    const pull = messaging.inputs.openPull(pool, (delivery) => deliveries.push(delivery));
    pull.ask(2);
    pull.ask(1);
    await waitUntil(() => deliveries.length === 3);
    expect(pull.outstanding).toBe(0);
    expect(deliveries.map(({ message }) => message.index)).toEqual([0, 1, 2]);
    expect(deliveries[0]?.deliveries).toBe(1);
    expect(Buffer.from(deliveries[0]?.message.args as Uint8Array)).toEqual(Buffer.from([1, 2, 3]));
    await waitUntil(async () => (await messaging.inputs.backlog(pool)).delivered === 3);
    expect(await messaging.inputs.backlog(pool)).toEqual({ waiting: 2, delivered: 3 });
    for (const delivery of deliveries) delivery.ack();
    await waitUntil(async () => (await messaging.inputs.backlog(pool)).delivered === 0);
    pull.ask(10);
    await waitUntil(() => deliveries.length === 5);
    expect(pull.outstanding).toBe(8);
    pull.close();
  });

  it('sends what is asked for in one turn as one request', async () => {
    const pool = await newPool();
    const requests: string[] = [];
    const spy = await connectMessaging({
      url: own.nats.url,
      name: 'spy',
      onError: () => requests.push('seen'),
    });
    spy.subscribe(`$JS.API.CONSUMER.MSG.NEXT.GANTRY_INPUTS.${pool}`, () => requests.push('seen'));
    await spy.request('nobody', {}).catch(() => undefined);
    const pull = messaging.inputs.openPull(pool, () => undefined);
    for (let i = 0; i < 10; i++) pull.ask(1);
    await waitUntil(() => requests.length > 0);
    await delay(50);
    expect(requests).toHaveLength(1);
    expect(pull.outstanding).toBe(10);
    pull.close();
    await spy.close();
  });

  it('stores an input once, however often it is sent', async () => {
    const pool = await newPool();
    const input = newInput();
    expect(await messaging.inputs.submit(pool, input)).toBe('stored');
    expect(await messaging.inputs.submit(pool, input)).toBe('duplicate');
    expect(await messaging.inputs.submit(pool, { ...input, attempt: 1 })).toBe('stored');
    expect((await messaging.inputs.backlog(pool)).waiting).toBe(2);
    expect(await messaging.inputs.openInputs(input.callId)).toBe(2);
  });

  it.each([
    ['not while others are delivered, or given back', 4, [0, 1, 2, 3, 9_999]],
    ['when they are many, up to the first that is not acknowledged', 520, [518, 519, 9_999]],
  ])('trims acknowledged inputs of a pool %s', async (_rule, count, kept) => {
    const [pool, other] = [await newPool(), await newPool()];
    const callId = newCallId(sessionKey);
    await messaging.inputs.submit(other, newInput({ callId, index: 9_999 }));
    for (let index = 0; index < count; index++) {
      await messaging.inputs.submit(pool, newInput({ callId, index }));
    }
    const deliveries: InputDelivery[] = [];
    const pull = messaging.inputs.openPull(pool, (delivery) => deliveries.push(delivery));
    pull.ask(count);
    await waitUntil(() => deliveries.length === count, { timeoutMs: 20_000 });
    const left = async (): Promise<number[]> => {
      const indexes: number[] = [];
      for await (const input of messaging.inputs.readCall(callId)) indexes.push(input.index);
      return indexes.sort((a, b) => a - b);
    };

    for (const delivery of deliveries) if (delivery.message.index !== count - 2) delivery.ack();
    await waitUntil(async () => (await messaging.inputs.trim(pool)) === 1);
    expect(await left()).toEqual(kept);

    deliveries[count - 2]?.ack();
    await waitUntil(async () => (await messaging.inputs.trim(pool)) === 0);
    expect(await left()).toEqual([9_999]);
    pull.close();
  });

  it('gives back an input at once, or after a delay', async () => {
    const pool = await newPool();
    await messaging.inputs.submit(pool, newInput());
    const times: { atMs: number; deliveries: number }[] = [];
    const pull = messaging.inputs.openPull(pool, (delivery) => {
      times.push({ atMs: Date.now(), deliveries: delivery.deliveries });
      if (times.length === 1) delivery.retryNow();
      else if (times.length === 2) delivery.retryAfter(400);
      else delivery.ack();
    });
    pull.ask(3);
    await waitUntil(() => times.length === 3);
    expect(times.map(({ deliveries }) => deliveries)).toEqual([1, 2, 3]);
    expect((times[2]?.atMs ?? 0) - (times[1]?.atMs ?? 0)).toBeGreaterThanOrEqual(390);
    pull.close();
  });

  it('delivers again when nobody extends the lease, and not while somebody does', async () => {
    const pool = await newPool();
    const lost = newInput({ index: 0 });
    const kept = newInput({ index: 1 });
    await messaging.inputs.submit(pool, lost);
    await messaging.inputs.submit(pool, kept);
    const seen: number[] = [];
    let extending: NodeJS.Timeout | undefined;
    const pull = messaging.inputs.openPull(pool, (delivery) => {
      seen.push(delivery.message.index);
      if (delivery.message.index === 1) extending = setInterval(() => void delivery.extend(), 2_000);
    });
    pull.ask(4);
    await waitUntil(() => seen.length === 3, { timeoutMs: 15_000 });
    expect(seen).toEqual([0, 1, 0]);
    clearInterval(extending);
    pull.close();
  });

  it('gives back what arrives while a pull closes', async () => {
    const pool = await newPool();
    const first = messaging.inputs.openPull(pool, () => undefined);
    first.ask(50);
    await delay(50);
    const submitted = Promise.all(
      Array.from({ length: 50 }, (_, index) => messaging.inputs.submit(pool, newInput({ index }))),
    );
    first.close();
    await submitted;
    const seen = new Set<number>();
    const second = messaging.inputs.openPull(pool, (delivery) => {
      seen.add(delivery.message.index);
      delivery.ack();
    });
    second.ask(100);
    await waitUntil(() => seen.size === 50, { timeoutMs: 5_000 });
    second.close();
  });

  it('keeps exactly one output per input', async () => {
    const input = newInput({ index: 7 });
    const seen: OutputMessage[] = [];
    const watch = messaging.outputs.watchSession(sessionKey, (output) => seen.push(output));
    expect(await messaging.outputs.store(outputOf(input, 'first'))).toBe('stored');
    expect(await messaging.outputs.store(outputOf(input, 'second'))).toBe('duplicate');
    const other = newInput({ ...input, inputId: newId('in') });
    expect(await messaging.outputs.store(outputOf(other, 'third'))).toBe('duplicate');
    const found = await messaging.outputs.find(input.callId, 7);
    expect(Buffer.from((found?.outcome as { value: Uint8Array }).value).toString()).toBe('first');
    expect(await messaging.outputs.find(input.callId, 8)).toBeUndefined();
    await waitUntil(() => seen.length > 0);
    expect(seen[0]?.inputId).toBe(input.inputId);
    watch.stop();
  });

  it('reads all outputs of a call, also beyond one batch', async () => {
    const callId = newCallId(sessionKey);
    const inputs = Array.from({ length: 600 }, (_, index) => newInput({ callId, index }));
    await Promise.all(inputs.map((input) => messaging.outputs.store(outputOf(input))));
    await messaging.outputs.store(outputOf(newInput()));
    const indexes = new Set<number>();
    for await (const output of messaging.outputs.read(callId)) indexes.add(output.index);
    expect(indexes.size).toBe(600);
    for await (const output of messaging.outputs.read(newCallId(sessionKey))) expect(output).toBeUndefined();
  });

  it('reads and purges the inputs of a call and of a pool', async () => {
    const pool = await newPool();
    const callId = newCallId(sessionKey);
    await Promise.all([0, 1, 2].map((index) => messaging.inputs.submit(pool, newInput({ callId, index }))));
    await messaging.inputs.submit(pool, newInput());
    const read: number[] = [];
    for await (const input of messaging.inputs.readCall(callId)) read.push(input.index);
    expect(read).toEqual([0, 1, 2]);
    await messaging.inputs.purgeCall(callId);
    expect(await messaging.inputs.openInputs(callId)).toBe(0);
    expect((await messaging.inputs.backlog(pool)).waiting).toBe(1);
    expect((await messaging.inputs.backlogs()).find((entry) => entry.pool === pool)?.backlog.waiting).toBe(1);
    await messaging.inputs.removePool(pool);
    expect(await messaging.inputs.backlog(pool)).toEqual({ waiting: 0, delivered: 0 });
    for await (const input of messaging.inputs.readPool(pool)) expect(input).toBeUndefined();
  });

  it('changes registry entries by compare-and-set', async () => {
    const { registry } = messaging;
    const key = `app.${newId('ap')}`;
    expect(await registry.get(key)).toBeUndefined();
    expect(await registry.create(key, { n: 1 })).toBe(true);
    expect(await registry.create(key, { n: 2 })).toBe(false);
    const entry = await registry.get<{ n: number }>(key);
    expect(entry?.value).toEqual({ n: 1 });
    expect(await registry.update(key, { n: 3 }, entry?.revision ?? 0)).toBe(true);
    expect(await registry.update(key, { n: 4 }, entry?.revision ?? 0)).toBe(false);
    await registry.delete(key);
    expect(await registry.get(key)).toBeUndefined();
    expect(await registry.create(key, { n: 5 })).toBe(true);
  });

  it('lists and watches the registry', async () => {
    const { registry } = messaging;
    const kind = `w${Date.now()}`;
    expect(await registry.list(`${kind}.*`)).toEqual([]);
    await registry.put(`${kind}.a`, 1);
    await registry.put(`${kind}.b`, 2);
    const changes: [string, unknown][] = [];
    const watch = await registry.watch(`${kind}.*`, ({ key, value }) => changes.push([key, value]));
    expect(changes).toEqual([
      [`${kind}.a`, 1],
      [`${kind}.b`, 2],
    ]);
    await registry.put(`${kind}.c`, 3);
    await registry.delete(`${kind}.a`);
    await waitUntil(() => changes.length === 4);
    expect(changes.slice(2)).toEqual([
      [`${kind}.c`, 3],
      [`${kind}.a`, undefined],
    ]);
    watch.stop();
    const listed = await registry.list(`${kind}.*`);
    expect(listed.map(({ key }) => key).sort()).toEqual([`${kind}.b`, `${kind}.c`]);
  });

  it('grants a lease to one holder, fences the next one, and lets it expire', async () => {
    const { leases } = messaging;
    const name = `lease-${Date.now()}`;
    const first = await leases.acquire(name, 'a');
    expect(first).toBeGreaterThan(0);
    expect(await leases.acquire(name, 'b')).toBeUndefined();
    const renewed = await leases.renew(name, 'a', first ?? 0);
    expect(renewed).toBeGreaterThan(first ?? 0);
    expect(await leases.renew(name, 'a', first ?? 0)).toBeUndefined();
    let second: number | undefined;
    await waitUntil(async () => (second = await leases.acquire(name, 'b')) !== undefined, {
      timeoutMs: 7_000,
    });
    expect(second).toBeGreaterThan(renewed ?? 0);
    expect(await leases.renew(name, 'a', renewed ?? 0)).toBeUndefined();
    await leases.release(name, second ?? 0);
    const third = await leases.acquire(name, 'a');
    expect(third).toBeGreaterThan(second ?? 0);
  });

  it('knows what was touched lately', async () => {
    await messaging.leases.touch('ap-alive');
    expect(await messaging.leases.alive()).toContain('ap-alive');
    expect(await messaging.leases.alive()).not.toContain('ap-other');
  });

  it('reads logs from an instant on and follows them', async () => {
    const appId = newId('ap');
    const entry = (text: string, atMs: number): LogEntry => ({
      atMs,
      stream: 'stdout',
      text,
      containerId: 'ta-1',
      functionName: 'f',
    });
    const texts: string[] = [];
    for await (const { text } of messaging.logs.read(appId)) texts.push(text);
    expect(texts).toEqual([]);
    const start = Date.now();
    await messaging.logs.append(appId, 'ta-1', {
      entries: [entry('old', start - 60_000), entry('one', start)],
    });
    await messaging.logs.append(appId, 'ta-2', { entries: [entry('two', start + 1)] });
    for await (const { text } of messaging.logs.read(appId)) texts.push(text);
    expect(texts).toEqual(['old', 'one', 'two']);
    const ended = new AbortController();
    const followed: string[] = [];
    const following = (async () => {
      const options = { sinceMs: start - 1, follow: true, signal: ended.signal };
      for await (const { text } of messaging.logs.read(appId, options)) followed.push(text);
    })();
    await waitUntil(() => followed.length === 2);
    await messaging.logs.append(appId, 'ta-1', { entries: [entry('three', Date.now())] });
    await waitUntil(() => followed.length === 3);
    expect(followed).toEqual(['one', 'two', 'three']);
    ended.abort();
    await following;
  });

  it('reads logs from a position on, which those that were written together share', async () => {
    const appId = newId('ap');
    const batch = (...texts: string[]): LogEntry[] =>
      texts.map((text) => ({
        ...{ atMs: 0, stream: 'stdout', text, containerId: 'ta-1', functionName: 'f' },
      }));
    for (const texts of [['a'], ['b', 'c'], ['d']])
      await messaging.logs.append(appId, 'ta-1', { entries: batch(...texts) });
    const read = async (from?: number): Promise<LogEntry[]> => {
      const entries: LogEntry[] = [];
      for await (const entry of messaging.logs.read(appId, { from })) entries.push(entry);
      return entries;
    };
    const [, b, c] = await read();
    expect(b?.position).toBe(c?.position);
    expect((await read(b?.position)).map(({ text }) => text)).toEqual(['b', 'c', 'd']);
  });

  it('answers requests, and carries errors of the handler to the asker', async () => {
    const responder = messaging.respond<{ n: number }, number>('test.double', async ({ n }) => {
      if (n < 0) throw new InvalidError('negative', { hint: 'Be positive.' });
      return n * 2;
    });
    expect(await messaging.request('test.double', { n: 4 })).toBe(8);
    await expect(messaging.request('test.double', { n: -1 })).rejects.toMatchObject({
      name: 'InvalidError',
      hint: 'Be positive.',
    });
    responder.stop();
    await expect(messaging.request('test.double', { n: 1 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('survives a listener that throws and a message that cannot be read', async () => {
    const errors: string[] = [];
    const careful = await connectMessaging({
      url: own.nats.url,
      name: 'careful',
      onError: (_error, context) => errors.push(context),
    });
    const seen: unknown[] = [];
    careful.subscribe('test.careful', (message) => {
      seen.push(message);
      if (message === 'bad') throw new Error('listener');
    });
    await careful.request('nobody', {}).catch(() => undefined);
    messaging.publish('test.careful', 'bad');
    messaging.publish('test.careful', 'good');
    await waitUntil(() => seen.length === 2);
    expect(errors).toEqual(['message on "test.careful"']);
    await careful.close();
  });

  it('says what is wrong when NATS is not there', async () => {
    await expect(connectMessaging({ url: 'nats://secret@127.0.0.1:1', name: 'x' })).rejects.toThrow(
      'NATS at "nats://127.0.0.1:1" cannot be reached',
    );
  });

  it('refuses a message above the size that NATS takes', async () => {
    const tooLarge = messaging.publishDurable(subjects.log('ap-1', 'ta-1'), new Uint8Array(70_000_000));
    await expect(tooLarge).rejects.toMatchObject({ name: 'RequestSizeError' });
  });
});
