import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { allowedStream } from './allowed-stream.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function source() {
  let feed: ReadableStreamDefaultController<Uint8Array> | undefined;
  const cancelled = vi.fn();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => void (feed = controller),
    cancel: cancelled,
  });
  return {
    body,
    cancelled,
    send: (byte: number) => feed?.enqueue(new Uint8Array([byte])),
    end: () => feed?.close(),
  };
}

it('passes what comes, as long as its reader may read', async () => {
  const { body, send, end } = source();
  const allowed = vi.fn(() => Promise.resolve());
  const reader = allowedStream(body, allowed).getReader();
  send(1);
  expect((await reader.read()).value).toEqual(new Uint8Array([1]));
  await vi.advanceTimersByTimeAsync(65_000);
  expect(allowed).toHaveBeenCalledTimes(2);
  send(2);
  end();
  expect((await reader.read()).value).toEqual(new Uint8Array([2]));
  expect((await reader.read()).done).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

it('breaks off when its reader may not read any more, and ends its source', async () => {
  const { body, cancelled } = source();
  const reader = allowedStream(body, () => Promise.reject(new Error('signed out'))).getReader();
  const next = expect(reader.read()).rejects.toThrow('signed out');
  await vi.advanceTimersByTimeAsync(30_000);
  await next;
  expect(cancelled).toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

it('ends its source when its reader leaves', async () => {
  const { body, cancelled } = source();
  await allowedStream(body, () => Promise.resolve()).cancel('left');
  expect(cancelled).toHaveBeenCalledWith('left');
  expect(vi.getTimerCount()).toBe(0);
});
