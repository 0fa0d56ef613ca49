import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { connect as tlsConnect, type TLSSocket } from 'node:tls';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestPlatform } from './gateway.fixture.ts';
import { http1Requests, http2Connections } from './malformed-requests.fixture.ts';
import { exchangeBytes, type RawExchange, serveWitness } from './raw-connections.fixture.ts';
import { parseHost } from './routing/host-name.ts';

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

/** The same in every run, so that a failure is there again; another seed tries others. */
const seed = Number(process.env['GANTRY_FUZZ_SEED'] ?? 1);
const AT_ONCE = 10;

describe('thousands of bytes that anybody may send', () => {
  async function sendAll(exchanges: readonly RawExchange[]): Promise<void> {
    const left = [...exchanges];
    const sendOn = async (): Promise<void> => {
      for (let next = left.pop(); next; next = left.pop()) await exchangeBytes(platform, next);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sendOn));
  }

  test.each([
    ['HTTP/1.1', 'http/1.1' as const, 600],
    ['HTTP/2', 'h2' as const, 300],
  ])(
    'crash nothing, leave no connection open, and reach no container but that of their host: %s',
    async (_name, protocol, runs) => {
      const witnesses = [await serveWitness(platform), await serveWitness(platform)] as const;
      const hosts = witnesses.map(({ host }) => host);
      const servername = hosts[0] ?? '';
      const parts: fc.Arbitrary<(string | Uint8Array)[]> =
        protocol === 'h2'
          ? http2Connections(hosts).map((bytes) => [bytes])
          : fc.array(http1Requests(hosts), { minLength: 1, maxLength: 3 });
      const samples = fc.sample(parts, { numRuns: runs, seed });

      await sendAll(samples.map((each) => ({ servername, protocol, parts: each })));

      for (const { host, seen } of witnesses) {
        const strangers = seen.filter((request) => parseHost(request.host) !== host);
        expect(strangers).toEqual([]);
        for (const { headers } of seen) {
          expect(headers).not.toHaveProperty('gantry-method');
          expect(headers['x-forwarded-for']).toBe('127.0.0.1');
        }
        // Kept connections to the container are in step: each answer is that of its request.
        const ids = Array.from({ length: 30 }, (_, index) => `id-${index}`);
        const answers = await Promise.all(ids.map((id) => platform.ask(host, { headers: { 'x-id': id } })));
        expect(answers.map(({ body }) => body)).toEqual(ids.map((id) => `id ${id}`));
      }
    },
    120_000,
  );
});
