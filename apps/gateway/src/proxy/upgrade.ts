import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** A connection that its client wants to leave HTTP. */
export interface LeavingConnection {
  socket: Socket;
  /** What the client sent behind its request. */
  head: Buffer;
}

/** True for a handshake of WebSocket, the only protocol that may take over a connection. */
export function isWebSocket({ headers, method, httpVersion }: IncomingMessage): boolean {
  return method === 'GET' && httpVersion === '1.1' && headers.upgrade?.toLowerCase() === 'websocket';
}

/** An answer over a connection that Node's server has given away: for whatever keeps it from being taken over. */
export function answerOn(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.on('finish', () => {
    if (response.socket === socket) response.detachSocket(socket);
    socket.destroySoon();
  });
  return response;
}

/** The answer that lets a connection be taken over. */
export function switchingProtocols(headers: readonly string[]): string {
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket'];
  for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Passes bytes both ways, no faster than each side takes them, until one side is closed. */
export function join(left: Socket, right: Socket): void {
  left.pipe(right).pipe(left);
  for (const [side, other] of [
    [left, right],
    [right, left],
  ] as const) {
    side.on('error', () => side.destroy());
    // What it has said still goes to the other side.
    side.on('close', () => other.destroySoon());
  }
}
