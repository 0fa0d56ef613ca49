import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { TestPlatform } from './gateway.fixture.ts';
import {
  exchangeBytes,
  frame,
  HTTP2_PREFACE,
  literalHeaders,
  serveWitness,
} from './raw-connections.fixture.ts';

let platform: TestPlatform;
let shop: Awaited<ReturnType<typeof serveWitness>>;
let admin: Awaited<ReturnType<typeof serveWitness>>;

beforeAll(async () => {
  platform = await TestPlatform.start();
  shop = await serveWitness(platform);
  admin = await serveWitness(platform);
});
afterAll(() => platform[Symbol.asyncDispose]());
beforeEach(() => {
  shop.seen.length = 0;
  admin.seen.length = 0;
});

/** What an attacker wants to reach the other function, or the next request of the same one. */
const inner = () => `GET /smuggled HTTP/1.1\r\nhost: ${admin.host}\r\n\r\n`;

/** Nothing that was hidden in a request has become one, and nothing of it hangs before the next. */
async function expectNothingSmuggled(): Promise<void> {
  expect(admin.seen).toEqual([]);
  expect(shop.seen.filter(({ target }) => target !== '/')).toEqual([]);
  for (let i = 0; i < 5; i++) {
    const id = `next-${i}`;
    expect((await platform.ask(shop.host, { path: `/${id}`, headers: { 'x-id': id } })).body).toBe(
      `id ${id}`,
    );
  }
}

function chunked(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
}

describe('over HTTP/1.1, a request within a request', () => {
  const post = (headers: string[], body: string) => [
    `POST / HTTP/1.1\r\nhost: ${shop.host}\r\n${headers.join('\r\n')}\r\n\r\n${body}`,
  ];

  test.each<[string, (hidden: string) => [headers: string[], body: string]]>([
    ['a length and chunks', (h) => [['content-length: 5', 'transfer-encoding: chunked'], `0\r\n\r\n${h}`]],
    [
      'chunks and a length',
      (h) => [['transfer-encoding: chunked', `content-length: ${h.length}`], chunked(h)],
    ],
    ['two lengths', (h) => [['content-length: 0', `content-length: ${h.length}`], h]],
    ['two lengths in one', (h) => [[`content-length: 0, ${h.length}`], h]],
    ['a length with a sign', (h) => [['content-length: +0'], h]],
    ['a negative length', (h) => [['content-length: -1'], h]],
    ['a length in hex digits', (h) => [['content-length: 0x0'], h]],
    ['a length with a blank', (h) => [['content-length: 0 0'], h]],
    ['a length beyond all numbers', (h) => [[`content-length: ${'9'.repeat(30)}`], h]],
    ['a blank before the colon', (h) => [['content-length : 0', 'transfer-encoding: chunked'], chunked(h)]],
    ['an unknown coding', (h) => [['transfer-encoding: xchunked'], `0\r\n\r\n${h}`]],
    [
      'chunks that are not the last coding',
      (h) => [['transfer-encoding: chunked, identity'], `0\r\n\r\n${h}`],
    ],
    ['two codings', (h) => [['transfer-encoding: chunked', 'transfer-encoding: identity'], `0\r\n\r\n${h}`]],
    ['a vertical tab before the coding', (h) => [['transfer-encoding:\x0bchunked'], `0\r\n\r\n${h}`]],
    ['a folded header', (h) => [['x-a: b', ' transfer-encoding: chunked'], `0\r\n\r\n${h}`]],
    ['a lone line feed', (h) => [['content-length: 0\ntransfer-encoding: chunked'], `0\r\n\r\n${h}`]],
    ['a lone carriage return', (h) => [['x-a: b\rcontent-length: 0'], h]],
    ['a NUL in a name', (h) => [['content-\0length: 0'], h]],
    ['a chunk size with a sign', (h) => [['transfer-encoding: chunked'], `+0\r\n\r\n${h}`]],
    [
      'a chunk size that is too large',
      (h) => [['transfer-encoding: chunked'], `${'f'.repeat(17)}\r\n\r\n${h}`],
    ],
    [
      'a chunk that is longer than its size',
      (h) => [['transfer-encoding: chunked'], `1\r\n${h}\r\n0\r\n\r\n`],
    ],
    ['a chunk without an end', (h) => [['transfer-encoding: chunked'], `0\n\n${h}`]],
    ['a chunk extension with a line feed', (h) => [['transfer-encoding: chunked'], `0;a\nb\r\n\r\n${h}`]],
  ])('in %s is refused', async (_form, make) => {
    const answer = String(
      await exchangeBytes(platform, { servername: shop.host, parts: post(...make(inner())) }),
    );
    expect(answer).toMatch(/^(HTTP\/1\.1 4\d\d [^]*|)$/);
    expect(answer.match(/HTTP\/1\.1 /g)?.length ?? 0).toBeLessThanOrEqual(1);
    await expectNothingSmuggled();
  });

  test('is told so where its body cannot be read and nothing is answered yet', async () => {
    const parts = post(['transfer-encoding: chunked'], 'zz\r\n');
    const answer = String(await exchangeBytes(platform, { servername: shop.host, parts }));
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  test.each<[string, (hidden: string) => [headers: string[], body: string]]>([
    ['a body with a length', (h) => [[`content-length: ${h.length}`], h]],
    ['chunks', (h) => [['transfer-encoding: chunked'], chunked(h)]],
    [
      'chunks with an extension',
      (h) => [['Transfer-Encoding: CHUNKED'], chunked(h).replace('\r\n', ';a=b\r\n')],
    ],
    [
      'a connection header that names the length',
      (h) => [[`content-length: ${h.length}`, 'connection: content-length'], h],
    ],
    [
      'a connection header that names the coding',
      (h) => [['transfer-encoding: chunked', 'connection: transfer-encoding, host'], chunked(h)],
    ],
  ])('in %s stays a body', async (_form, make) => {
    const [headers, body] = make(inner());
    const answer = String(
      await exchangeBytes(platform, {
        servername: shop.host,
        parts: post([...headers, 'connection: close'], body),
        staysOpen: true,
      }),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(shop.seen).toMatchObject([{ target: '/', body: inner() }]);
    await expectNothingSmuggled();
  });
});

describe('over HTTP/1.1, who is asked', () => {
  const get = (target: string, hosts: string[]) => [
    `GET ${target} HTTP/1.1\r\n${hosts.map((host) => `host: ${host}\r\n`).join('')}connection: close\r\n\r\n`,
  ];
  const ask = async (target: string, hosts: string[]): Promise<string> =>
    String(
      await exchangeBytes(platform, { servername: shop.host, parts: get(target, hosts), staysOpen: true }),
    );

  test('must be one', async () => {
    expect(await ask('/', [shop.host, admin.host])).toMatch(/^HTTP\/1\.1 400 /);
    expect(await ask('/', [shop.host, shop.host])).toMatch(/^HTTP\/1\.1 400 /);
    for (const host of [
      '',
      `${shop.host}:x`,
      `${shop.host}/..`,
      `a@${shop.host}`,
      `${shop.host} ${admin.host}`,
    ])
      expect(await ask('/', [host]), host).toMatch(/^HTTP\/1\.1 400 /);
    expect([...shop.seen, ...admin.seen]).toEqual([]);
  });

  test('is said by the target, if that is a whole address, to the container as well', async () => {
    expect(await ask(`https://${admin.host}/a?b`, [shop.host])).toMatch(/^HTTP\/1\.1 200 /);
    expect(shop.seen).toEqual([]);
    expect(admin.seen).toMatchObject([{ host: admin.host, target: '/a?b' }]);
    expect(admin.seen[0]?.headers['x-forwarded-host']).toBe(admin.host);
  });
});

describe('over HTTP/2, a request within a request', () => {
  const pseudo = (): [string, string][] => [
    [':method', 'POST'],
    [':scheme', 'https'],
    [':path', '/'],
    [':authority', shop.host],
  ];
  const send = async (headers: [string, string][], body: string): Promise<void> => {
    const head = frame(1, 4, 1, literalHeaders(headers));
    const parts = [HTTP2_PREFACE, head, frame(0, 1, 1, Buffer.from(body, 'latin1'))];
    await exchangeBytes(platform, { servername: shop.host, protocol: 'h2', parts });
  };

  test.each<[string, (hidden: string) => [string, string][]]>([
    ['a value of two lines', (h) => [...pseudo(), ['x-a', `b\r\n\r\n${h}`]]],
    ['a name of two lines', (h) => [...pseudo(), [`x-a: b\r\n\r\n${h}`, 'c']]],
    [
      'a path of two lines',
      (h) => [...pseudo().slice(0, 2), [':path', `/ HTTP/1.1\r\n\r\n${h}`], [':authority', shop.host]],
    ],
    [
      'an authority of two lines',
      (h) => [...pseudo().slice(0, 3), [':authority', `${shop.host}\r\n\r\n${h}`]],
    ],
    ['a method of two lines', (h) => [[':method', `GET / HTTP/1.1\r\n\r\n${h}`], ...pseudo().slice(1)]],
    ['a length that is too small', () => [...pseudo(), ['content-length', '0']]],
    ['two lengths', (h) => [...pseudo(), ['content-length', '0'], ['content-length', String(h.length)]]],
    ['a transfer coding', () => [...pseudo(), ['transfer-encoding', 'chunked']]],
    ['a connection header', () => [...pseudo(), ['connection', 'keep-alive']]],
    ['an upgrade', () => [...pseudo(), ['upgrade', 'h2c']]],
    ['capitals in a name', () => [...pseudo(), ['Content-Length', '0']]],
    [
      'a pseudo header that comes late',
      () => [...pseudo().slice(0, 3), ['x-a', 'b'], [':authority', shop.host]],
    ],
    ['two paths', () => [...pseudo(), [':path', '/smuggled']]],
    ['an unknown pseudo header', () => [...pseudo(), [':target', '/smuggled']]],
  ])('in %s is refused', async (_form, make) => {
    await send(make(inner()), inner());
    expect(shop.seen.filter(({ target }) => target !== '/')).toEqual([]);
    expect(
      shop.seen.filter(({ headers }) => 'transfer-encoding' in headers && 'content-length' in headers),
    ).toEqual([]);
    await expectNothingSmuggled();
  });

  test('in a body stays a body, and a second host is nobody', async () => {
    await send([...pseudo(), ['host', admin.host]], inner());
    await expectNothingSmuggled();
    for (const { host, body } of shop.seen.filter(({ target }) => target === '/')) {
      expect({ host, body }).toEqual({ host: shop.host, body: inner() });
    }
  });
});
