import type { ServerResponse } from 'node:http';

import { isGantryError } from '@gantry/protocol';

import { CORS_HEADER } from './cors.ts';

/** What a request is told when it failed. */
export interface Failure {
  status: number;
  body: Record<string, unknown>;
  /** The failure is a defect of the function: its stack belongs in the log. */
  unexpected?: boolean;
}

const INTERNAL: Failure = { status: 500, body: { detail: 'Internal Server Error' }, unexpected: true };

/**
 * Decides what a thrown value tells the client. Errors that name a 4xx status themselves are answers; a
 * GantryError has the status of its code; whatever else went wrong is nobody's business outside.
 */
export function toFailure(error: unknown): Failure {
  if (isGantryError(error)) {
    if (error.httpStatus === 500) return INTERNAL;
    return { status: error.httpStatus, body: { detail: error.message, code: error.code, hint: error.hint } };
  }
  const status = clientStatus(error);
  if (status === undefined) return INTERNAL;
  const { detail, message } = error as { detail?: unknown; message?: unknown };
  return { status, body: { detail: detail ?? (message || 'the request was refused') } };
}

function clientStatus(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { status, statusCode } = error as { status?: unknown; statusCode?: unknown };
  return [status, statusCode].find(
    (code): code is number => Number.isInteger(code) && (code as number) >= 400 && (code as number) < 500,
  );
}

/** Answers with a small JSON body. Does nothing once an answer has begun. */
export function sendJson(
  response: ServerResponse,
  status: number,
  answer: { body: unknown; headers?: readonly string[] },
): void {
  if (response.headersSent || response.destroyed) return;
  const text = JSON.stringify(answer.body);
  const length = String(Buffer.byteLength(text));
  response.writeHead(status, [
    ...CORS_HEADER,
    'content-type',
    'application/json',
    'content-length',
    length,
    ...(answer.headers ?? []),
  ]);
  response.end(text);
}
