import type { Server as HttpsServer } from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';

import { parseHost } from './routing/host-name.ts';

const REQUEST = /^([A-Z]+) (\/[^ ]*) HTTP\/1\.[01]\r\n/;
const HOST = /\r\nhost:[ \t]*([^\r\n]*?)[ \t]*\r\n/i;

export interface PlainHttpOptions {
  /** A connection that sends nothing for that long is ended. */
  firstByteTimeoutMs: number;
  /** What is answered as text for a path, instead of all else. */
  answerAt?: ((path: string) => string | undefined) | undefined;
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
    socket.setTimeout(firstByteTimeoutMs, drop);
    socket.once('readable', () => {
      const bytes = socket.read() as Buffer | null;
      socket.off('error', drop);
      socket.setTimeout(0);
      socket.off('timeout', drop);
      if (bytes === null) return drop();
      if (isLetter(bytes[0])) return answer(socket, bytes.toString('latin1'), options);
      socket.unshift(bytes);
      startTls.call(server, socket);
    });
  });
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
