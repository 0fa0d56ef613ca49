import type { IncomingMessage } from 'node:http';

import { expect, test } from 'vitest';

import { answerHeaders, forwardedHeaders } from './forwarded-headers.ts';

function request(headers: Record<string, string>): IncomingMessage {
  const rawHeaders = Object.entries(headers).flat();
  const parsed = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return { rawHeaders, headers: parsed, socket: { remoteAddress: '10.0.0.1' } } as unknown as IncomingMessage;
}

test('headers of the connection and claims about earlier hops do not reach the container', () => {
  const headers = forwardedHeaders(
    request({
      Host: 'a.example',
      Connection: 'keep-alive, X-Hop',
      'X-Hop': '1',
      'Transfer-Encoding': 'chunked',
      'X-Forwarded-For': '6.6.6.6',
      'Gantry-Method': 'other',
      Accept: '*/*',
    }),
    'scan',
  );
  expect(Object.fromEntries(headers.flatMap((text, i) => (i % 2 ? [] : [[text, headers[i + 1]]])))).toEqual({
    Host: 'a.example',
    Accept: '*/*',
    'x-forwarded-for': '10.0.0.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'a.example',
    'gantry-method': 'scan',
  });
});

test('a client cannot have needed headers dropped by naming them as of the connection', () => {
  const headers = forwardedHeaders(
    request({ Host: 'a', Connection: 'host, content-length', 'Content-Length': '5' }),
    '',
  );
  expect(headers).toEqual(expect.arrayContaining(['Host', 'Content-Length']));
});

test('answers keep repeated headers and lose those of the connection', () => {
  const raw = ['set-cookie', 'a=1', 'set-cookie', 'b=2', 'Connection', 'keep-alive', 'x', 'é'].map((text) =>
    Buffer.from(text, 'latin1'),
  );
  expect(answerHeaders(raw)).toEqual(['set-cookie', 'a=1', 'set-cookie', 'b=2', 'x', 'é']);
});
