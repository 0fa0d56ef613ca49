import { newCallId, newId } from '@gantry/protocol';
import { startNats, TcpProxy, waitUntil } from '@gantry/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { connectMessaging, type Messaging } from './index.ts';
import { newInput, outputOf, sessionKey } from './sample-inputs.ts';

let nats: Awaited<ReturnType<typeof startNats>>;
let proxy: TcpProxy;
let messaging: Messaging;
const callId = newCallId(sessionKey);
const input = newInput({ callId, index: 0 });

beforeEach(async () => {
  nats = await startNats();
  proxy = await TcpProxy.open(Number(new URL(nats.url).port));
  const url = `nats://127.0.0.1:${proxy.port}`;
  messaging = await connectMessaging({ url, name: 'silent', onError: () => undefined });
  await messaging.ensureStreams();
  await messaging.outputs.store(outputOf(input));
});

afterEach(async () => {
  await messaging.close();
  await proxy.close();
  await nats.stop();
});

async function readIndexes(): Promise<number[]> {
  const indexes: number[] = [];
  for await (const { index } of messaging.outputs.read(callId)) indexes.push(index);
  return indexes;
}

test('reading, and making a pool, outlasts a broker that does not answer for longer than a request waits', async () => {
  proxy.hold();
  const [reading, finding] = [readIndexes(), messaging.outputs.find(callId, 0)];
  const pool = newId('fu');
  const ready = messaging.inputs.ensurePool(pool);
  setTimeout(() => proxy.heal(), 6_000);

  expect(await reading).toEqual([0]);
  expect(await finding).toMatchObject({ callId });
  await ready;
  expect(await messaging.inputs.backlog(pool)).toEqual({ waiting: 0, delivered: 0 });
});

test('a connection that fell silent is given up within seconds, and what was asked over it is asked anew', async () => {
  let reconnects = 0;
  messaging.onReconnect(() => reconnects++);

  proxy.lose();
  const [reading, submitting] = [readIndexes(), messaging.inputs.submit(newId('fu'), newInput())];

  await waitUntil(() => reconnects === 1, { timeoutMs: 12_000 });
  expect(await reading).toEqual([0]);
  expect(await submitting).toBe('stored');
});
