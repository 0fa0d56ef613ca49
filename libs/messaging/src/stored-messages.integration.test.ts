import { newId } from '@gantry/protocol';
import { startNats } from '@gantry/testing';
import { expect, it } from 'vitest';

import { connectMessaging } from './index.ts';
import { newInput } from './sample-inputs.ts';

it('reads every stored message, also where few of them fill what nats-server sends at once', async () => {
  const nats = await startNats();
  const messaging = await connectMessaging({ url: nats.url, name: 'test' });
  await messaging.ensureStreams();
  const pool = newId('fu');
  const args = new Uint8Array(500 * 1024);
  for (let index = 0; index < 200; index += 10) {
    const inputs = Array.from({ length: 10 }, (_, offset) => newInput({ index: index + offset, args }));
    await Promise.all(inputs.map((input) => messaging.inputs.submit(pool, input)));
  }

  const indexes: number[] = [];
  for await (const input of messaging.inputs.readAll()) indexes.push(input.index);

  expect(indexes.sort((left, right) => left - right)).toEqual(
    Array.from({ length: 200 }, (_, index) => index),
  );
  await messaging.close();
  await nats.stop();
});
