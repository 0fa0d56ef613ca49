import type { IncomingMessage } from 'node:http';

import { ConnectionError, RequestSizeError } from '@gantry/protocol';

/** Largest body that is read into memory: JSON, raw bytes and forms. A `Request` parameter streams without limit. */
export const MEMORY_BODY_BYTES = 100 * 1000 * 1000;

/**
 * Reads a request's body into memory.
 *
 * @throws {@link RequestSizeError} as soon as it is known to exceed the limit.
 */
export function readBody(request: IncomingMessage, limitBytes = MEMORY_BODY_BYTES): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > limitBytes) return reject(tooLarge(limitBytes));
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes > limitBytes) {
        chunks.length = 0;
        reject(tooLarge(limitBytes));
      } else {
        chunks.push(chunk);
      }
    });
    request.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => reject(new ConnectionError('the client left before its request was complete')));
  });
}

function tooLarge(limitBytes: number): RequestSizeError {
  return new RequestSizeError(`the request body exceeds ${limitBytes / 1_000_000} MB`, {
    hint: 'Take a `Request` parameter and read its body as a stream.',
  });
}
