import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as tlsConnect } from 'node:tls';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, type ClientOptions, type RawData } from 'ws';

import { TestPlatform } from './gateway.fixture.ts';

// The cases of the Autobahn suite that concern a server without extensions, in its order: sizes, pings, reserved bits,
// opcodes, fragments, UTF-8, closing.

let platform: TestPlatform;
let host = '';

beforeAll(async () => {
  platform = await TestPlatform.start();
  const app = {
    fetch: (request: Request, server: { upgrade(request: Request): boolean }) =>
      server.upgrade(request) ? undefined : new Response(null, { status: 426 }),
    websocket: {
      message: (socket: { send(message: unknown): void }, message: unknown) => socket.send(message),
    },
  };
  const deployed = platform.deploy({ web: { type: 'asgi' }, run: () => app }, { maxInputs: 100 });
  platform.report((await platform.startContainer(deployed)).status);
  host = deployed.host;
});

afterAll(() => platform[Symbol.asyncDispose]());

const CONTINUATION = 0x0;
const TEXT = 0x1;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

interface Frame {
  opcode: number;
  payload?: Uint8Array | string;
  /** @defaultValue true */
  fin?: boolean;
  /** The three reserved bits. @defaultValue 0 */
  reserved?: number;
  /** Clients must. @defaultValue true */
  masked?: boolean;
}

/** A frame as a client that knows no rules would send it; the payload has at most 65,535 bytes. */
function encode({ opcode, payload = '', fin = true, reserved = 0, masked = true }: Frame): Buffer {
  const data = Buffer.from(payload);
  const mask = masked ? randomBytes(4) : Buffer.alloc(0);
  const length = data.length < 126 ? [data.length] : [126, data.length >> 8, data.length & 0xff];
  const [first = 0, ...rest] = length;
  const head = [(fin ? 0x80 : 0) | (reserved << 4) | opcode, (masked ? 0x80 : 0) | first, ...rest];
  const body = data.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  return Buffer.concat([Buffer.from(head), mask, body]);
}

/** What a server sent: its frames are not masked. */
function decode(bytes: Buffer): { opcode: number; payload: Buffer }[] {
  const frames: { opcode: number; payload: Buffer }[] = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const opcode = (bytes[at] ?? 0) & 0x0f;
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const start = at + (short === 126 ? 4 : 2);
    const length = short === 126 ? bytes.readUInt16BE(at + 2) : short;
    frames.push({ opcode, payload: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return frames;
}

/** Sends frames on a connection of its own; resolves with what came back until the server closed it. */
async function exchange(frames: readonly Frame[]): Promise<{ opcode: number; payload: Buffer }[]> {
  const socket = tlsConnect({ host: '127.0.0.1', port: platform.port, servername: host, ca: platform.ca });
  const key = randomBytes(16).toString('base64');
  const upgrade = `connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}`;
  socket.write(`GET / HTTP/1.1\r\nhost: ${host}:${platform.port}\r\n${upgrade}\r\n\r\n`);
  socket.write(Buffer.concat(frames.map(encode)));
  let received = Buffer.alloc(0);
  // The last word may be a reset: the server need not read what comes after a mistake.
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => (received = Buffer.concat([received, chunk])));
  await once(socket, 'close');
  const end = received.indexOf('\r\n\r\n');
  expect(received.subarray(0, end).toString()).toMatch(/^HTTP\/1\.1 101 /);
  return decode(received.subarray(end + 4));
}

function closing(code: number, reason: string | Uint8Array = ''): Frame {
  return {
    opcode: CLOSE,
    payload: Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]),
  };
}

/** With which code the server closed the connection; undefined if it gave none. */
async function codeAfter(...frames: Frame[]): Promise<number | undefined> {
  const close = (await exchange(frames)).find(({ opcode }) => opcode === CLOSE);
  return close && close.payload.length >= 2 ? close.payload.readUInt16BE(0) : undefined;
}

async function openClient(): Promise<WebSocket> {
  const options: ClientOptions = {
    ...{ servername: host, ca: platform.ca, headers: { host: `${host}:${platform.port}` } },
    perMessageDeflate: false,
  };
  const socket = new WebSocket(`wss://127.0.0.1:${platform.port}/`, options);
  await once(socket, 'open');
  return socket;
}

describe('messages', () => {
  test.each([0, 1, 125, 126, 127, 128, 65_535, 65_536, 1_048_576, 2_097_152])(
    'of %i bytes come back as they were, as text and as bytes',
    async (size) => {
      const socket = await openClient();
      try {
        for (const sent of ['*'.repeat(size), Buffer.alloc(size, 0xfe)]) {
          socket.send(sent);
          const [data, isBinary] = (await once(socket, 'message')) as [RawData, boolean];
          expect(isBinary).toBe(typeof sent !== 'string');
          expect((data as Buffer).equals(Buffer.from(sent))).toBe(true);
        }
      } finally {
        socket.terminate();
      }
    },
  );

  test('in fragments are one message, also empty ones, with pings between them', async () => {
    const frames = await exchange([
      { opcode: TEXT, payload: 'one ', fin: false },
      { opcode: PING, payload: 'between' },
      { opcode: CONTINUATION, fin: false },
      { opcode: CONTINUATION, payload: 'whole' },
      { opcode: BINARY, payload: Buffer.from([1]), fin: false },
      { opcode: CONTINUATION, payload: Buffer.from([2]) },
      closing(1000),
    ]);

    expect(frames.at(-1)?.opcode).toBe(CLOSE);
    expect(frames.slice(0, -1).map(({ opcode, payload }) => [opcode, payload.toString()])).toEqual([
      [PONG, 'between'],
      [TEXT, 'one whole'],
      [BINARY, '\u0001\u0002'],
    ]);
  });

  test('may split a character between fragments', async () => {
    const [first] = await exchange([
      { opcode: TEXT, payload: Buffer.from([0xce]), fin: false },
      { opcode: CONTINUATION, payload: Buffer.from([0xba]) },
      closing(1000),
    ]);

    expect(first?.payload.toString()).toBe('κ');
  });
});

describe('pings', () => {
  test('are answered with their payload, up to 125 bytes, in their order', async () => {
    const payloads = ['', 'hello', Buffer.alloc(125, 0xfe)];
    const frames = await exchange([...payloads.map((payload) => ({ opcode: PING, payload })), closing(1000)]);

    expect(frames.filter(({ opcode }) => opcode === PONG).map(({ payload }) => payload)).toEqual(
      payloads.map((payload) => Buffer.from(payload)),
    );
  });

  test('that nobody asked for are ignored as answers', async () => {
    const frames = await exchange([{ opcode: PONG, payload: 'unasked' }, closing(1000)]);

    expect(frames.map(({ opcode }) => opcode)).toEqual([CLOSE]);
  });
});

describe('the connection ends with 1002 after', () => {
  test.each<[mistake: string, frames: Frame[]]>([
    ['a ping of 126 bytes', [{ opcode: PING, payload: Buffer.alloc(126) }]],
    ['a ping in fragments', [{ opcode: PING, payload: 'a', fin: false }]],
    ['a close frame in fragments', [{ ...closing(1000), fin: false }]],
    ['the first reserved bit', [{ opcode: TEXT, payload: 'a', reserved: 4 }]],
    ['the second reserved bit', [{ opcode: TEXT, payload: 'a', reserved: 2 }]],
    ['the third reserved bit', [{ opcode: BINARY, payload: 'a', reserved: 1 }]],
    ['a reserved bit in a ping', [{ opcode: PING, reserved: 7 }]],
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, Frame[]] => [
      `the opcode ${opcode}`,
      [{ opcode }],
    ]),
    ['a frame without a mask', [{ opcode: TEXT, payload: 'a', masked: false }]],
    ['a continuation of nothing', [{ opcode: CONTINUATION, payload: 'a' }]],
    [
      'a message inside another one',
      [
        { opcode: TEXT, payload: 'a', fin: false },
        { opcode: TEXT, payload: 'b' },
      ],
    ],
    [
      'a continuation after the end',
      [
        { opcode: TEXT, payload: 'a' },
        { opcode: CONTINUATION, payload: 'b' },
      ],
    ],
    ['a close frame with half a code', [{ opcode: CLOSE, payload: 'a' }]],
    ...[0, 999, 1004, 1005, 1006, 1015, 1100, 2999, 5000].map((code): [string, Frame[]] => [
      `the code ${code}`,
      [closing(code)],
    ]),
  ])('%s', async (_mistake, frames) => {
    expect(await codeAfter(...frames)).toBe(1002);
  });
});

describe('the connection ends with 1007 after', () => {
  test.each<[mistake: string, frames: Frame[]]>([
    ['text that is no UTF-8', [{ opcode: TEXT, payload: Buffer.from([0xce, 0xba, 0xff]) }]],
    ['text that ends within a character', [{ opcode: TEXT, payload: Buffer.from([0xce]) }]],
    ['a surrogate', [{ opcode: TEXT, payload: Buffer.from([0xed, 0xa0, 0x80]) }]],
    ['a character written too long', [{ opcode: TEXT, payload: Buffer.from([0xc0, 0xaf]) }]],
    [
      'a fragment that is no UTF-8',
      [
        { opcode: TEXT, payload: 'a', fin: false },
        { opcode: CONTINUATION, payload: Buffer.from([0xf4, 0x90, 0x80, 0x80]) },
      ],
    ],
    ['a reason that is no UTF-8', [closing(1000, Buffer.from([0xce, 0xff]))]],
  ])('%s', async (_mistake, frames) => {
    expect(await codeAfter(...frames)).toBe(1007);
  });
});

describe('a close frame', () => {
  test.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    'with the code %i is answered with the same',
    async (code) => {
      expect(await codeAfter(closing(code, 'because'))).toBe(code);
    },
  );

  test('without a code is answered, and nothing after it is', async () => {
    const frames = await exchange([{ opcode: CLOSE }, { opcode: TEXT, payload: 'late' }, { opcode: PING }]);

    expect(frames.map(({ opcode }) => opcode)).toEqual([CLOSE]);
  });

  test('may have a reason of 123 bytes', async () => {
    expect(await codeAfter(closing(1000, '*'.repeat(123)))).toBe(1000);
  });
});
