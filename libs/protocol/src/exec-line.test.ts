import { describe, expect, it } from 'vitest';

import { ConnectionError } from './errors.ts';
import { NumberedFrames, SendWindow, TakenCount } from './exec-line.ts';
import { EXEC_WINDOW_BYTES } from './exec-messages.ts';

const isDone = async (promise: Promise<void>): Promise<boolean> => {
  let done = false;
  void promise.then(() => (done = true));
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  return done;
};

describe('frames of a program in a container', () => {
  it('arrive as they were sent, or not at all', () => {
    const [client, worker] = [new NumberedFrames<string, number>(), new NumberedFrames<number, string>()];
    expect(worker.unwrap(client.wrap('a'))).toBe('a');
    expect(client.unwrap(worker.wrap(7))).toBe(7);
    client.wrap('lost');
    expect(() => worker.unwrap(client.wrap('b'))).toThrow(ConnectionError);
  });
});

describe('a send window', () => {
  it('holds the sender while as much is under way as it allows', async () => {
    const window = new SendWindow();
    expect(await isDone(window.sent(EXEC_WINDOW_BYTES - 1))).toBe(true);
    const next = window.sent(1);
    expect(await isDone(next)).toBe(false);
    window.taken(1);
    await next;
  });

  it('holds nobody once it is closed', async () => {
    const window = new SendWindow();
    const waiting = window.sent(EXEC_WINDOW_BYTES);
    window.close();
    await waiting;
    await window.sent(EXEC_WINDOW_BYTES);
  });

  it('opens by what the other side tells well before it is full', async () => {
    const window = new SendWindow();
    const count = new TakenCount((bytes) => window.taken(bytes));
    const waiting = window.sent(EXEC_WINDOW_BYTES);
    for (let left = EXEC_WINDOW_BYTES / 4; left > 0; left -= 1024) count.add(1024);
    await waiting;
  });
});
