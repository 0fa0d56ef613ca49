import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

import { CORS_HEADER } from './cors.ts';
import { toJsonText } from './json-text.ts';

/** Where a result goes. */
export interface AnswerTarget {
  response: ServerResponse;
  inputId: string;
  /** Fires when nobody waits any more. */
  signal: AbortSignal;
}

interface EndpointTarget extends AnswerTarget {
  /** The client reads server-sent events: text that an iterable yields is sent as such. */
  wantsEvents: boolean;
}

/** Sends what the method of an endpoint returned. Resolves when the last byte was handed to the socket. */
export async function sendAnswer(value: unknown, target: EndpointTarget): Promise<void> {
  if (isResponse(value)) return sendResponse(value, target, CORS_HEADER);
  if (value instanceof Blob) {
    const headers = { 'content-type': value.type || OCTETS };
    return sendResponse(new Response(value.stream(), { headers }), target, CORS_HEADER);
  }
  if (isBytes(value)) return sendWhole(toBuffer(value), OCTETS, target);
  const chunks = asChunks(value);
  if (chunks) return sendChunks(chunks, target);
  return sendWhole(toJsonText(value), 'application/json', target);
}

const OCTETS = 'application/octet-stream';

function sendWhole(body: string | Buffer, contentType: string, { response, inputId }: AnswerTarget): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(200, [
    ...CORS_HEADER,
    'content-type',
    contentType,
    'content-length',
    String(Buffer.byteLength(body)),
    'gantry-input-id',
    inputId,
  ]);
  response.end(body);
}

/** Sends a response as it is; of the header `extra`, only if it has none of that name. */
export async function sendResponse(
  value: Response,
  target: AnswerTarget,
  extra?: readonly [name: string, value: string],
): Promise<void> {
  const { response, inputId } = target;
  if (response.headersSent || response.destroyed) {
    await value.body?.cancel().catch(() => undefined);
    return;
  }
  const headers: string[] = [];
  // Headers yields each set-cookie on its own.
  for (const [name, text] of value.headers) headers.push(name, text);
  if (extra && !value.headers.has(extra[0])) headers.push(...extra);
  headers.push('gantry-input-id', inputId);
  if (!value.body) {
    const mayHaveBody = value.status !== 204 && value.status !== 304 && !value.headers.has('content-length');
    if (mayHaveBody) headers.push('content-length', '0');
  }
  response.writeHead(value.status, value.statusText, headers);
  if (!value.body) {
    response.end();
  } else if (response.req.method === 'HEAD') {
    response.end();
    await value.body.cancel().catch(() => undefined);
  } else {
    await pump(value.body, target, (chunk) => chunk as Uint8Array);
  }
}

/** The first chunk decides the kind: bytes, text, or values as lines of JSON. */
async function sendChunks(chunks: AsyncIterator<unknown>, target: EndpointTarget): Promise<void> {
  const { response } = target;
  const first = await chunks.next();
  if (response.headersSent || response.destroyed) {
    await chunks.return?.();
    return;
  }
  const kind = chunkKind(first.done ? '' : first.value, target.wantsEvents);
  const headers = [...CORS_HEADER, 'content-type', kind.contentType, 'gantry-input-id', target.inputId];
  response.writeHead(200, headers);
  if (response.req.method === 'HEAD') {
    response.end();
    await chunks.return?.();
    return;
  }
  // Headers go out with the first chunk, which may have taken its time.
  await pump(resume(first, chunks), target, kind.encode);
}

function chunkKind(
  first: unknown,
  wantsEvents: boolean,
): { contentType: string; encode: (chunk: unknown) => string | Uint8Array } {
  if (isBytes(first)) return { contentType: OCTETS, encode: encodeLoosely };
  if (typeof first !== 'string') {
    return { contentType: 'application/x-ndjson', encode: (chunk) => `${toJsonText(chunk)}\n` };
  }
  const contentType = wantsEvents ? 'text/event-stream; charset=utf-8' : 'text/plain; charset=utf-8';
  return { contentType, encode: encodeLoosely };
}

function encodeLoosely(chunk: unknown): string | Uint8Array {
  if (isBytes(chunk)) return toBuffer(chunk);
  return typeof chunk === 'string' ? chunk : toJsonText(chunk);
}

async function* resume(
  first: IteratorResult<unknown>,
  rest: AsyncIterator<unknown>,
): AsyncGenerator<unknown> {
  try {
    for (let step = first; !step.done; step = await rest.next()) yield step.value;
  } finally {
    await rest.return?.();
  }
}

/** Writes chunk by chunk, no faster than the client reads, and stops the source when the client leaves. */
async function pump(
  chunks: AsyncIterable<unknown>,
  { response, signal }: AnswerTarget,
  encode: (chunk: unknown) => string | Uint8Array,
): Promise<void> {
  try {
    for await (const chunk of chunks) {
      if (response.destroyed) return;
      if (!response.write(encode(chunk))) await once(response, 'drain', { signal });
    }
    response.end();
  } catch (error) {
    // The status is out: only a cut connection can still say that the answer is incomplete.
    response.destroy();
    if (!signal.aborted) throw error;
  }
}

/** Also true for responses of another copy of the fetch classes. */
export function isResponse(value: unknown): value is Response {
  if (value instanceof Response) return true;
  if (typeof value !== 'object' || value === null) return false;
  return (
    Object.prototype.toString.call(value) === '[object Response]' && 'headers' in value && 'body' in value
  );
}

function isBytes(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

function toBuffer(value: ArrayBuffer | ArrayBufferView): Buffer {
  return value instanceof ArrayBuffer
    ? Buffer.from(value)
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

function asChunks(value: unknown): AsyncIterator<unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Symbol.asyncIterator in value) return (value as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  const isGenerator =
    Symbol.iterator in value && typeof (value as Partial<Iterator<unknown>>).next === 'function';
  return isGenerator ? fromIterator(value as IterableIterator<unknown>) : undefined;
}

async function* fromIterator(values: Iterable<unknown>): AsyncGenerator<unknown> {
  yield* values;
}
