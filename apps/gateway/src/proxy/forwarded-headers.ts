import type { IncomingMessage } from 'node:http';

/** Headers that concern one connection only, never the next. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** What only the gateway may say to a container. */
const OURS = new Set([
  'expect',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
  'gantry-key',
  'gantry-secret',
  'gantry-method',
  'gantry-input-id',
]);

/**
 * Headers for the container, as name and value in turn: the client's without those of its connection, and the
 * gateway's own. What a client claims about earlier hops is dropped: nobody vouches for it.
 */
export function forwardedHeaders(request: IncomingMessage, method: string): string[] {
  const { rawHeaders } = request;
  const named = namedInConnection(request.headers.connection);
  const headers: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key) || OURS.has(key) || named?.has(key)) continue;
    headers.push(name, rawHeaders[i + 1] as string);
  }
  headers.push('x-forwarded-for', request.socket.remoteAddress ?? 'unknown', 'x-forwarded-proto', 'https');
  headers.push('x-forwarded-host', request.headers.host ?? '', 'gantry-method', method);
  return headers;
}

/** A container's headers for the client, as name and value in turn. */
export function answerHeaders(raw: readonly (Buffer | string)[]): string[] {
  const headers: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = toText(raw[i]);
    if (!HOP_BY_HOP.has(name.toLowerCase())) headers.push(name, toText(raw[i + 1]));
  }
  return headers;
}

/** What an answer that comes in chunks says about its trailers, if it has any. */
export function trailerOf(raw: readonly (Buffer | string)[]): string | undefined {
  let trailer: string | undefined;
  let isChunked = false;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = toText(raw[i]).toLowerCase();
    if (name === 'trailer') trailer = toText(raw[i + 1]);
    if (name === 'transfer-encoding') isChunked = true;
  }
  return isChunked ? trailer : undefined;
}

function toText(value: Buffer | string | undefined): string {
  return typeof value === 'string' ? value : (value?.toString('latin1') ?? '');
}

/** The header may name further headers of this connection. Content-length is none, whatever it says. */
function namedInConnection(connection: string | undefined): Set<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  const names = new Set(
    connection
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
  names.delete('content-length');
  names.delete('host');
  return names;
}
