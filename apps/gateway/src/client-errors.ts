import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Duplex } from 'node:stream';

const STATUS_OF_PARSE_ERROR: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** A request without its whole answer. */
type Exchange = readonly [request: IncomingMessage, response: ServerResponse];

/**
 * Answers what cannot be read as HTTP/1, unless its client would take that for the answer to an earlier request, or for
 * the rest of one.
 */
export function answerClientErrors(server: Server): void {
  const underWay = new WeakMap<Duplex, Set<Exchange>>();
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = response;
    if (!socket) return;
    const exchange: Exchange = [request, response];
    const exchanges = underWay.get(socket) ?? new Set();
    underWay.set(socket, exchanges.add(exchange));
    response.once('close', () => exchanges.delete(exchange));
  };
  server.prependListener('request', onRequest);
  server.prependListener('checkContinue', onRequest);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const isQuiet = ![...(underWay.get(socket) ?? [])].every(isUnansweredBody);
    if (isQuiet || error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const status = STATUS_OF_PARSE_ERROR[error.code ?? ''] ?? '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  });
  // Garbage in place of a handshake: nothing can be answered.
  server.on('tlsClientError', (_error, socket: Duplex) => socket.destroy());
}

/** True if what cannot be read is the body of a request that has no answer yet. */
function isUnansweredBody([request, response]: Exchange): boolean {
  return !request.complete && !response.headersSent;
}
