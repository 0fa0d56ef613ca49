import { PassThrough, Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';

import { expect, test } from 'vitest';

import { joinStreams } from './join-streams.ts';

/** A connection, with what is written at its far end and what arrives there. */
function connection() {
  const [sent, received] = [new PassThrough(), new PassThrough()];
  return { near: Duplex.from({ readable: sent, writable: received }), sent, received };
}

test('joined streams pass bytes both ways, and a side that says no more still hears the other', async () => {
  const [left, right] = [connection(), connection()];
  joinStreams(left.near, right.near);
  left.sent.end('from the left');
  expect(await text(right.received)).toBe('from the left');
  right.sent.end('from the right');
  expect(await text(left.received)).toBe('from the right');
});

test('a joined stream that breaks off takes the other one with it', async () => {
  const [left, right] = [connection(), connection()];
  joinStreams(left.near, right.near);
  const closed = new Promise((resolve) => right.near.once('close', resolve));
  left.near.destroy(new Error('broken'));
  await closed;
  expect(right.near.destroyed).toBe(true);
});
