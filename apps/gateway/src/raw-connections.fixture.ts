import { connect, type TLSSocket } from 'node:tls';

import type { IncomingMessage, ServerResponse } from 'node:http';

import type { TestPlatform } from './gateway.fixture.ts';
import type { ServedFunction } from './gateway-types.fixture.ts';

/** A request as its container saw it. */
export interface SeenRequest {
  host: string | undefined;
  target: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A function that remembers what reaches it, and answers with the header `x-id` of the request. */
export async function serveWitness(
  platform: TestPlatform,
  maxInputs = 100,
): Promise<ServedFunction & { seen: SeenRequest[] }> {
  const seen: SeenRequest[] = [];
  const listen = (request: IncomingMessage, response: ServerResponse): void => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('error', () => undefined);
    request.on('end', () => {
      const { headers, url: target } = request;
      seen.push({ host: headers.host, target, headers, body: Buffer.concat(parts).toString('latin1') });
      response.end(`id ${String(headers['x-id'])}`);
    });
  };
  const served = await platform.serve(
    { web: { type: 'wsgi' }, run: () => listen },
    { maxInputs, timeoutMs: 60_000 },
  );
  return { ...served, seen };
}

/** For clients that end a connection: whether an answer comes before decides nothing. */
const PATIENCE_MS = 50;

/** Sends bytes over TLS, one part after the other; resolves to all that comes back until the connection is closed. */
export async function exchangeBytes(
  platform: TestPlatform,
  { servername, protocol = 'http/1.1', parts, staysOpen = false }: RawExchange,
): Promise<Buffer> {
  const { port, ca } = platform;
  const socket: TLSSocket = connect({
    ...{ host: '127.0.0.1', port, ca, servername },
    ALPNProtocols: [protocol],
  });
  socket.on('error', () => undefined);
  const received: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => received.push(bytes));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const answered = new Promise<void>((resolve) => socket.once('data', () => resolve()));
  await Promise.race([new Promise<void>((resolve) => socket.once('secureConnect', resolve)), closed]);
  for (const part of parts) {
    if (socket.writable) await new Promise<void>((resolve) => socket.write(part, () => resolve()));
  }
  // Who leaves at once is not served: a moment for what may be answered.
  await Promise.race([answered, closed, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
  if (!staysOpen) socket.end();
  await closed;
  return Buffer.concat(received);
}

export interface RawExchange {
  servername: string;
  /** @defaultValue 'http/1.1' */
  protocol?: 'http/1.1' | 'h2';
  parts: readonly (string | Uint8Array)[];
  /** Leaves it to the gateway to close the connection. @defaultValue false */
  staysOpen?: boolean;
}

/** What goes before all frames of a client: preface, and settings that change nothing. */
export const HTTP2_PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0)]);

/** One frame of HTTP/2. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type & 0xff, 3);
  head.writeUInt8(flags & 0xff, 4);
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

/** Headers as HPACK has them: each written out, nothing remembered. */
export function literalHeaders(headers: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    headers.map(([name, value]) => Buffer.concat([Buffer.from([0]), literal(name), literal(value)])),
  );
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([lengthOf(bytes.length), bytes]);
}

function lengthOf(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const rest: number[] = [];
  let left = value - 127;
  for (; left >= 128; left = Math.floor(left / 128)) rest.push((left % 128) + 128);
  return Buffer.from([127, ...rest, left]);
}
