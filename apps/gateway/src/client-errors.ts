import type { ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Duplex } from 'node:stream';

const STATUS_OF_PARSE_ERROR: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** Answers what cannot be read as HTTP/1, unless an answer is under way: its client would take this for the rest of it. */
export function answerClientErrors(server: Server): void {
  const underWay = new WeakMap<Duplex, number>();
  const onRequest = (_request: unknown, response: ServerResponse): void => {
    const { socket } = response;
    if (!socket) return;
    underWay.set(socket, (underWay.get(socket) ?? 0) + 1);
    response.once('close', () => underWay.set(socket, (underWay.get(socket) ?? 1) - 1));
  };
  server.prependListener('request', onRequest);
  server.prependListener('checkContinue', onRequest);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const isQuiet = (underWay.get(socket) ?? 0) > 0;
    if (isQuiet || error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const status = STATUS_OF_PARSE_ERROR[error.code ?? ''] ?? '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  });
  // Garbage in place of a handshake: nothing can be answered.
  server.on('tlsClientError', (_error, socket: Duplex) => socket.destroy());
}
