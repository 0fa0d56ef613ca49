import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';

import { startNats } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { BytePipe } from './byte-pipe.ts';
import { connectMessaging, type Messaging } from './messaging.ts';

const stack = new AsyncDisposableStack();
let messaging: Messaging;
let pipes = 0;

beforeAll(async () => {
  const nats = stack.use(await startNats());
  messaging = await connectMessaging({ url: nats.url, name: 'test' });
  stack.defer(() => messaging.close());
});
afterAll(() => stack.disposeAsync());

async function open(): Promise<[BytePipe, BytePipe]> {
  const pipeId = String(++pipes);
  const ends = (['gateway', 'worker'] as const).map((side) => new BytePipe({ messaging, pipeId, side }));
  await messaging.flush();
  return ends as [BytePipe, BytePipe];
}

describe('bytes through NATS', () => {
  test('arrive in order and whole, in both directions at once', async () => {
    const [left, right] = await open();
    const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => index % 251));
    left.end(bytes);
    right.end(bytes.subarray(7));
    const [atRight, atLeft] = await Promise.all([buffer(right), buffer(left)]);
    expect(atRight.equals(bytes)).toBe(true);
    expect(atLeft.equals(bytes.subarray(7))).toBe(true);
  });

  test('wait for a reader that is slow', async () => {
    const [left, right] = await open();
    let isDone = false;
    left.end(Buffer.alloc(8_000_000), () => (isDone = true));
    right.read(0);
    for (let i = 0; i < 20; i++) await messaging.flush();
    expect(isDone).toBe(false);
    expect(right.readableLength).toBeLessThanOrEqual(2_000_000);
    expect((await buffer(right)).length).toBe(8_000_000);
  });

  test('that one end has sent arrive though it is gone then', async () => {
    const [left, right] = await open();
    left.end('last words');
    await once(left, 'finish');
    left.destroy();
    expect(String(await buffer(right))).toBe('last words');
  });

  test('end with an error where the other end breaks off', async () => {
    const [left, right] = await open();
    left.write('half of');
    left.destroy();
    await expect(buffer(right)).rejects.toThrow('the other end of the connection broke off');
  });
});
