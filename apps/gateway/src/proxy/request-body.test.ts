import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import { describe, expect, test } from 'vitest';

import { checkBodyLength, RequestBody } from './request-body.ts';

function incoming(): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { complete: true }) as unknown as PassThrough & IncomingMessage;
}

describe('the body of a request', () => {
  test('is taken from the client only when it is wanted, which is told once', async () => {
    let wanted = 0;
    const request = incoming();
    request.end('hello');
    const body = new RequestBody(request, () => (wanted += 1));
    expect([wanted, body.isTouched]).toEqual([0, false]);
    expect(String(await buffer(body))).toBe('hello');
    expect([wanted, body.isTouched]).toEqual([1, true]);
  });

  test('ends with an error above its limit, whatever its length was said to be', async () => {
    const request = incoming();
    request.end('hello');
    await expect(buffer(new RequestBody(request, () => undefined, 4))).rejects.toThrow('exceeds 4 GiB');
    const other = incoming();
    other.end('hello');
    expect(String(await buffer(new RequestBody(other, () => undefined, 5)))).toBe('hello');
  });

  test('of more than 4 GiB is refused by its length', () => {
    const ofLength = (length: number) =>
      ({ headers: { 'content-length': String(length) } }) as IncomingMessage;
    expect(() => checkBodyLength(ofLength(4 * 1024 ** 3))).not.toThrow();
    expect(() => checkBodyLength(ofLength(4 * 1024 ** 3 + 1))).toThrow('exceeds 4 GiB');
  });
});
