import { setTimeout as delay } from 'node:timers/promises';
import { newCallId, newId } from '@gantry/protocol';
import { startNats, waitUntil } from '@gantry/testing';
import { describe, expect, it } from 'vitest';

import { connectMessaging } from './index.ts';
import { newInput, outputOf, sessionKey } from './sample-inputs.ts';

describe('a crash of nats-server', () => {
  it('loses nothing that was acknowledged, and pulls, watches and publishes go on', async () => {
    const nats = await startNats({ syncAlways: true });
    const messaging = await connectMessaging({ url: nats.url, name: 'crash', onError: () => undefined });
    await messaging.ensureStreams();
    const pool = newId('fu');
    await messaging.inputs.ensurePool(pool);
    const callId = newCallId(sessionKey);
    for (let index = 0; index < 20; index++) await messaging.inputs.submit(pool, newInput({ callId, index }));
    const changes: unknown[] = [];
    await messaging.registry.put('app.x', 1);
    const watch = await messaging.registry.watch('app.*', ({ value }) => changes.push(value));

    const empty = newId('fu');
    await messaging.inputs.ensurePool(empty);
    const late: number[] = [];
    const idlePull = messaging.inputs.openPull(empty, (delivery) => {
      late.push(delivery.message.index);
      delivery.ack();
    });
    idlePull.ask(5);
    let reconnects = 0;
    messaging.onReconnect(() => reconnects++);
    await delay(100);

    nats.kill();
    const underWay = messaging.inputs.submit(empty, newInput({ index: 99 }));
    await nats.restart();
    await waitUntil(() => reconnects === 1, { timeoutMs: 15_000 });
    expect(await underWay).toBe('stored');
    await waitUntil(() => late.length === 1, { timeoutMs: 15_000 });
    expect(late).toEqual([99]);
    expect(idlePull.outstanding).toBe(4);

    const seen = new Set<number>();
    const pull = messaging.inputs.openPull(pool, (delivery) => {
      seen.add(delivery.message.index);
      void messaging.outputs.store(outputOf(delivery.message)).then(() => delivery.ack());
    });
    pull.ask(30);
    await waitUntil(() => seen.size === 20, { timeoutMs: 15_000 });
    await waitUntil(async () => (await messaging.inputs.trim(pool)) === 0);
    expect(await messaging.inputs.openInputs(callId)).toBe(0);

    await messaging.registry.put('app.x', 2);
    await waitUntil(() => changes.includes(2), { timeoutMs: 15_000 });
    expect(changes).toEqual([1, 2]);
    watch.stop();
    pull.close();
    idlePull.close();
    await messaging.close();
    await expect(messaging.inputs.submit(pool, newInput())).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
    });
    await nats.stop();
  });
});
