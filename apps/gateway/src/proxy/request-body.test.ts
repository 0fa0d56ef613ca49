import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import { describe, expect, test, vi } from 'vitest';

import { checkBodyLength, RequestBody } from './request-body.ts';

function incoming(): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { complete: true }) as unknown as PassThrough & IncomingMessage;
}

function limited(request: IncomingMessage, limitBytes: number): RequestBody {
  return new RequestBody(request, { onWanted: () => undefined, limitBytes, stallMs: 60_000 });
}

describe('the body of a request', () => {
  test('is taken from the client only when it is wanted, which is told once', async () => {
    let wanted = 0;
    const request = incoming();
    request.end('hello');
    const body = new RequestBody(request, { onWanted: () => (wanted += 1), stallMs: 60_000 });
    expect([wanted, body.isTouched]).toEqual([0, false]);
    expect(String(await buffer(body))).toBe('hello');
    expect([wanted, body.isTouched]).toEqual([1, true]);
  });

  test('ends with an error above its limit, whatever its length was said to be', async () => {
    const request = incoming();
    request.end('hello');
    await expect(buffer(limited(request, 4))).rejects.toThrow('exceeds 4 GiB');
    const other = incoming();
    other.end('hello');
    expect(String(await buffer(limited(other, 5)))).toBe('hello');
  });

  test('that stops coming ends with 408, but not while the container takes its time', () => {
    vi.useFakeTimers();
    try {
      const request = incoming();
      const body = new RequestBody(request, { onWanted: () => undefined, stallMs: 1_000 });
      const errors: unknown[] = [];
      body.on('error', (error) => errors.push(error));
      vi.advanceTimersByTime(5_000);
      body.read();
      request.emit('data', Buffer.alloc(100_000));
      vi.advanceTimersByTime(5_000);
      expect(body.destroyed).toBe(false);
      while (body.read() !== null);
      vi.advanceTimersByTime(999);
      request.emit('data', Buffer.alloc(1));
      vi.advanceTimersByTime(999);
      expect(body.destroyed).toBe(false);
      vi.advanceTimersByTime(1);
      expect(body.errored).toMatchObject({
        httpStatus: 408,
        message: 'the body of the request stopped coming',
      });
    } finally {
      vi.useRealTimers();
    }
  });

  test('of more than 4 GiB is refused by its length', () => {
    const ofLength = (length: number) =>
      ({ headers: { 'content-length': String(length) } }) as IncomingMessage;
    expect(() => checkBodyLength(ofLength(4 * 1024 ** 3))).not.toThrow();
    expect(() => checkBodyLength(ofLength(4 * 1024 ** 3 + 1))).toThrow('exceeds 4 GiB');
  });
});
