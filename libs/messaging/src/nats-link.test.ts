import { expect, it } from 'vitest';

import { parseNatsUrl } from './nats-link.ts';

it.each([
  ['nats://127.0.0.1:4300', { servers: ['127.0.0.1:4300'] }],
  ['localhost', { servers: ['localhost:4222'] }],
  ['nats://s%3Acret@host:1', { servers: ['host:1'], token: 's:cret' }],
  ['nats://ada:pass@a:1,nats://b', { servers: ['a:1', 'b:4222'], user: 'ada', pass: 'pass' }],
  ['tls://host', { servers: ['host:4222'], tls: {} }],
])('takes credentials out of "%s"', (url, expected) => {
  expect(parseNatsUrl(url)).toEqual(expected);
});
