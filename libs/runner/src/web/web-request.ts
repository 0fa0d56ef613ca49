import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** Address the client asked for, as the gateway saw it. */
export function requestUrl(request: IncomingMessage): string {
  const protocol = request.headers['x-forwarded-proto'] ?? 'http';
  const host = request.headers['x-forwarded-host'] ?? request.headers.host ?? 'localhost';
  return `${String(protocol)}://${String(host)}${request.url ?? '/'}`;
}

/** A web `Request` over a Node request. Its body streams, unless it was read already and is passed here. */
export function toWebRequest(
  request: IncomingMessage,
  options: { signal: AbortSignal; body?: Uint8Array | undefined },
): Request {
  const headers = new Headers();
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    headers.append(request.rawHeaders[i] ?? '', request.rawHeaders[i + 1] ?? '');
  }
  const method = request.method ?? 'GET';
  const init: RequestInit = { method, headers, signal: options.signal };
  if (method !== 'GET' && method !== 'HEAD') {
    init.body = (options.body ?? Readable.toWeb(request)) as NonNullable<RequestInit['body']>;
    init.duplex = 'half';
  }
  return new Request(requestUrl(request), init);
}
