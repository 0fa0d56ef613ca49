import type { Server as HttpsServer } from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';

import { parseHost } from './routing/host-name.ts';

const REQUEST = /^([A-Z]+) (\/[^ ]*) HTTP\/1\.[01]\r\n/;
/** What begins a TLS connection: a record of this type, with its length in the last two bytes of its head. */
const HANDSHAKE = 0x16;
const RECORD_HEAD_BYTES = 5;
const HOST = /\r\nhost:[ \t]*([^\r\n]*?)[ \t]*\r\n/i;

export interface PlainHttpOptions {
  /** A connection that has not begun after that long is ended. */
  firstByteTimeoutMs: number;
  /** What is answered as text for a path, instead of all else. */
  answerAt?: ((path: string) => string | undefined) | undefined;
  /** Takes a connection over TLS that is for somebody else, by its whole first message, which it will read again. */
  take?: ((socket: Socket, firstBytes: Buffer) => boolean) | undefined;
}

/**
 * Answers who speaks plain HTTP to an HTTPS port: a redirect to the same address over TLS for what a browser or a
 * link asks, a 400 that says what is wrong for anything that carries data, which a redirect would send twice.
 */
export function answerPlainHttp(server: HttpsServer, options: PlainHttpOptions): void {
  const { firstByteTimeoutMs } = options;
  const [startTls] = server.listeners('connection') as ((this: HttpsServer, socket: Socket) => void)[];
  if (!startTls) throw new Error('an HTTPS server has no listener for connections');
  server.removeListener('connection', startTls);
  server.on('connection', (socket: Socket) => {
    const drop = (): void => void socket.destroy();
    socket.on('error', drop);
    const late = setTimeout(drop, firstByteTimeoutMs);
    let held: Buffer = Buffer.alloc(0);
    socket.on('readable', function look() {
      const read = socket.read() as Buffer | null;
      const bytes = read === null ? held : Buffer.concat([held, read]);
      held = bytes;
      if (read !== null && options.take && isPartOfRecord(bytes)) return;
      socket.off('readable', look);
      socket.off('error', drop);
      clearTimeout(late);
      if (read === null) return drop();
      if (isLetter(bytes[0])) return answer(socket, bytes.toString('latin1'), options);
      socket.unshift(bytes);
      if (!options.take?.(socket, bytes)) startTls.call(server, socket);
    });
  });
}

/** The first message of a client may come in several pieces. */
function isPartOfRecord(bytes: Buffer): boolean {
  if (bytes[0] !== HANDSHAKE) return false;
  return bytes.length < RECORD_HEAD_BYTES || bytes.length < RECORD_HEAD_BYTES + bytes.readUInt16BE(3);
}

/** A TLS record never starts with one, every HTTP request does. */
function isLetter(byte = 0): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

/**
 * A port for plain HTTP alone: every read is sent to the same address over TLS, at `httpsPort`.
 */
export function createRedirectServer(httpsPort: number, options: PlainHttpOptions): Server {
  const { firstByteTimeoutMs } = options;
  return createServer((socket) => {
    const drop = (): void => void socket.destroy();
    socket.on('error', drop);
    socket.setTimeout(firstByteTimeoutMs, drop);
    socket.once('data', (bytes: Buffer) =>
      answer(socket, bytes.toString('latin1'), { ...options, httpsPort }),
    );
  });
}

/** `httpsPort` is said only where it is not the one that was asked. */
function answer(
  socket: Socket,
  text: string,
  { httpsPort, answerAt }: PlainHttpOptions & { httpsPort?: number },
): void {
  socket.on('error', () => socket.destroy());
  // What else the client sends is read and dropped, so that it gets to read the answer.
  socket.resume();
  const [, method, target] = REQUEST.exec(text) ?? [];
  const isHead = method === 'HEAD';
  const given = answerAt?.(target ?? '');
  if (given !== undefined) return end(socket, '200 OK', { body: given, isHead });
  const host = HOST.exec(text)?.[1];
  const isRead = method === 'GET' || isHead;
  const asked = parseHost(host);
  const address =
    target !== undefined && asked !== undefined && `https://${toAuthority(host, asked, httpsPort)}${target}`;
  if (isRead && address)
    return end(socket, '308 Permanent Redirect', {
      address,
      body: `This port speaks HTTPS: ${address}\n`,
      isHead,
    });
  const body = 'This port speaks HTTPS only: use an address that starts with https://\n';
  end(socket, '400 Bad Request', { body, isHead });
}

function toAuthority(host: string | undefined, asked: string, httpsPort: number | undefined): string {
  if (httpsPort === undefined) return host ?? asked;
  const name = asked.includes(':') ? `[${asked}]` : asked;
  return httpsPort === 443 ? name : `${name}:${httpsPort}`;
}

function end(
  socket: Socket,
  status: string,
  { address, body, isHead }: { address?: string; body: string; isHead: boolean },
): void {
  const head = [
    `HTTP/1.1 ${status}`,
    ...(address ? [`location: ${address}`] : []),
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${isHead ? '' : body}`);
}
