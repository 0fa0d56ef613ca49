import { setTimeout as delay } from 'node:timers/promises';

import { newCallId, STREAMS, subjects } from '@gantry/protocol';
import { startNats, TcpProxy, waitUntil } from '@gantry/testing';
import { expect, it } from 'vitest';

import { connectMessaging } from './index.ts';
import { MissedMessages } from './missed-messages.ts';
import { NatsLink } from './nats-link.ts';
import { newInput, outputOf, sessionKey } from './sample-inputs.ts';

it('outputs that were stored while a watcher had no connection reach it when it is back, and later ones too', async () => {
  await using nats = await startNats();
  const proxy = await TcpProxy.open(Number(new URL(nats.url).port));
  const [worker, server] = await Promise.all([
    connectMessaging({ url: nats.url, name: 'worker' }),
    connectMessaging({ url: `nats://127.0.0.1:${proxy.port}`, name: 'server', onError: () => undefined }),
  ]);
  await worker.ensureStreams();
  const callId = newCallId(sessionKey);
  const store = (index: number) => worker.outputs.store(outputOf(newInput({ callId, index })));
  const seen = new Set<number>();
  const seenByCall = new Set<number>();
  let reconnects = 0;
  server.onReconnect(() => reconnects++);
  const watches = [
    server.outputs.watchSession(sessionKey, ({ index }) => seen.add(index)),
    server.outputs.watchCall(callId, ({ index }) => seenByCall.add(index)),
  ];
  await server.request('nobody', {}).catch(() => undefined);
  await store(0);
  await waitUntil(() => seen.size === 1);

  proxy.cut();
  await Promise.all([store(1), store(2), store(3)]);
  expect([...seen]).toEqual([0]);
  proxy.heal();

  await waitUntil(() => seen.size === 4 && seenByCall.size === 4, { timeoutMs: 15_000 });
  expect(reconnects).toBe(1);
  await store(4);
  await waitUntil(() => seen.has(4));
  for (const watch of watches) watch.stop();
  await Promise.all([worker.close(), server.close()]);
  await proxy.close();
});

it('an output that was published before the watcher was back, and stored a moment later, reaches it', async () => {
  await using nats = await startNats();
  const proxy = await TcpProxy.open(Number(new URL(nats.url).port));
  const url = `nats://127.0.0.1:${proxy.port}`;
  const worker = await connectMessaging({ url: nats.url, name: 'worker' });
  await worker.ensureStreams();
  const link = await NatsLink.open({ url, name: 'server', onError: () => undefined });
  const callId = newCallId(sessionKey);
  let seen = 0;
  // Alone, without the plain subscription, which hears nothing of such a message.
  const filter = subjects.callOutputs(callId);
  const missed = new MissedMessages(link, { stream: STREAMS.outputs, filter, onMessage: () => seen++ });
  let reconnects = 0;
  link.onReconnect(() => reconnects++);
  proxy.cut();
  proxy.heal();
  await waitUntil(() => reconnects === 1, { timeoutMs: 15_000 });

  await delay(500);
  await worker.outputs.store(outputOf(newInput({ callId })));

  await waitUntil(() => seen === 1);
  missed.stop();
  await Promise.all([worker.close(), link.connection.close()]);
  await proxy.close();
});
