import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { connect as tlsConnect, type TLSSocket } from 'node:tls';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestPlatform } from './gateway.fixture.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});

afterAll(() => platform[Symbol.asyncDispose]());

function connectTls(servername: string): TLSSocket {
  return tlsConnect({ host: '127.0.0.1', port: platform.port, servername, ca: platform.ca });
}

describe('what is no proper request', () => {
  test('never harms the gateway', async () => {
    const { host } = await platform.serve({ run: () => 'alive' });
    const heads = [
      'NONSENSE\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n',
      'GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n',
      `GET / HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n`,
      `GET /${'a'.repeat(70_000)} HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
      `GET /\u0001 HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
      `GET / HTTP/1.1\r\nhost: ../../etc\r\n\r\n`,
    ];
    for (const head of heads) {
      const socket = connectTls(host);
      socket.on('error', () => undefined);
      socket.end(head);
      expect(await text(socket).catch(() => ''), head.slice(0, 60)).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    }
    const halfOpen = connectTls(host);
    halfOpen.on('error', () => undefined);
    halfOpen.write(`POST / HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 100\r\n\r\nhalf`);
    await once(halfOpen, 'secureConnect');
    halfOpen.destroy();
    expect((await platform.ask(host)).json).toBe('alive');
  });
});
