import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { connect as netConnect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as tlsConnect, type TLSSocket } from 'node:tls';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestPlatform } from '../gateway.fixture.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});

afterAll(() => platform[Symbol.asyncDispose]());

function connectTls(servername: string, session?: Buffer): TLSSocket {
  return tlsConnect({ host: '127.0.0.1', port: platform.port, servername, ca: platform.ca, session });
}

describe('certificates', () => {
  test('a routed host has one of its own, signed by the authority', async () => {
    const { host } = await platform.serve({ run: () => 'hi' });
    const socket = connectTls(host);
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    expect(socket.getPeerCertificate().subjectaltname).toBe(`DNS:${host}`);
    socket.destroy();
  });

  test('an invented host is covered by the fallback, and none is issued for it', async () => {
    const host = 'local--nobody.gantry.localhost';
    const socket = connectTls(host);
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    expect(socket.getPeerCertificate().subjectaltname).toContain('DNS:*.gantry.localhost');
    socket.destroy();
    await expect(stat(join(platform.dataDir, 'ca/hosts', `${host}.pem`))).rejects.toThrow('ENOENT');
  });

  test('the keys are readable by their owner alone', async () => {
    for (const name of ['ca.key', 'hosts/_fallback.pem']) {
      expect((await stat(join(platform.dataDir, 'ca', name))).mode & 0o777).toBe(0o600);
    }
  });

  test('the authority and its certificates survive a restart', async () => {
    const { host } = await platform.serve({ run: () => 'hi' });
    await platform.ask(host);
    const before = await readFile(join(platform.dataDir, 'ca/hosts', `${host}.pem`), 'utf8');
    const ca = platform.ca;
    await platform.gateway.stop();
    await platform.startGateway();
    platform.broadcast();
    expect(platform.ca).toBe(ca);
    expect((await platform.ask(host)).json).toBe('hi');
    expect(await readFile(join(platform.dataDir, 'ca/hosts', `${host}.pem`), 'utf8')).toBe(before);
  });

  test('sessions are resumed', async () => {
    const { host } = await platform.serve({ run: () => 'hi' });
    const first = connectTls(host);
    const [session] = (await once(first, 'session')) as [Buffer];
    first.destroy();
    const second = connectTls(host, session);
    await once(second, 'secureConnect');
    expect(second.isSessionReused()).toBe(true);
    second.destroy();
  });
});

describe('plain HTTP on the HTTPS port', () => {
  async function askPlain(head: string): Promise<string> {
    const socket = netConnect(platform.port, '127.0.0.1');
    socket.write(head);
    return text(socket);
  }

  test('is sent to the same address over TLS when it only reads', async () => {
    const { host } = await platform.serve({ run: () => 'alive' });

    const answer = await askPlain(`GET /a?b=1 HTTP/1.1\r\nHost: ${host}:8443\r\n\r\n`);

    expect(answer).toMatch(/^HTTP\/1\.1 308 /);
    expect(answer).toContain(`location: https://${host}:8443/a?b=1\r\n`);
    expect(answer.split('\r\n\r\n')[1]).toBe(`This port speaks HTTPS: https://${host}:8443/a?b=1\n`);
  });

  test('is refused with 400 and the reason when it carries data or is no proper request', async () => {
    const heads = [
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi',
      'GET / HTTP/1.1\r\n\r\n',
      'GET / HTTP/1.1\r\nhost: a/../b\r\n\r\n',
      'NONSENSE\r\n\r\n',
    ];
    for (const head of heads) {
      const answer = await askPlain(head);
      expect(answer, head).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer, head).toContain('This port speaks HTTPS only');
    }
  });

  test('harms nobody when it breaks off at once', async () => {
    const { host } = await platform.serve({ run: () => 'alive' });
    const silent = netConnect(platform.port, '127.0.0.1');
    await once(silent, 'connect');
    silent.destroy();
    const half = netConnect(platform.port, '127.0.0.1');
    half.write('G');
    await once(half, 'connect');
    half.destroy();

    expect((await platform.ask(host)).json).toBe('alive');
  });
});
