import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';

import { expect, test } from 'vitest';

import { createRedirectServer } from './plain-http.ts';

test('a port for plain HTTP sends who reads to the same address over TLS, and refuses all else', async () => {
  const server = createRedirectServer(443, { firstByteTimeoutMs: 20_000 }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const ask = async (head: string): Promise<string> => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(head);
    return text(socket);
  };
  try {
    const answer = await ask('GET /a?b=1 HTTP/1.1\r\nHost: shop.example.test:80\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 308 [^]*location: https:\/\/shop\.example\.test\/a\?b=1\r\n/);
    expect(await ask('HEAD / HTTP/1.1\r\nHost: [::1]\r\n\r\n')).toContain('location: https://[::1]/\r\n');
    for (const head of [
      'POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 2\r\n\r\nhi',
      'GET / HTTP/1.1\r\nhost: a.test/b@c\r\n\r\n',
      'NONSENSE\r\n\r\n',
      '\x16\x03\x01',
    ]) {
      expect(await ask(head), head).toMatch(/^HTTP\/1\.1 400 /);
    }
  } finally {
    server.close();
  }
});
