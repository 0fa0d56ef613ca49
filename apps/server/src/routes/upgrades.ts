import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

import { InvalidError } from '@gantry/protocol';

import { problemOf } from '../problem.ts';

/** The subprotocol of every WebSocket of the API. */
export const SUBPROTOCOL = 'gantry';
/** WebSocket close codes, and what fits into a reason. */
export const CLOSE_NORMAL = 1000;
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_POLICY = 1008;
const CLOSE_REASON_BYTES = 120;

/** @throws InvalidError if the request names no address. */
export function urlOf(request: IncomingMessage): URL {
  const target = request.url ?? '/';
  const url = URL.parse(target, 'http://server');
  if (url) return url;
  throw new InvalidError(`"${target}" is no address`, { hint: 'Sessions are at "/v1/session".' });
}

/** A reason for closing a WebSocket, no longer than fits. */
export function closeReason(text: string): string {
  return Buffer.from(text).subarray(0, CLOSE_REASON_BYTES).toString();
}

/** Answers an upgrade with problem details. */
export function refuse(socket: Duplex, error: unknown): void {
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}`,
      'Connection: close',
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
    // No timeout of the HTTP server watches this socket any more: a client that stays would hold it for ever.
    () => socket.destroy(),
  );
}
