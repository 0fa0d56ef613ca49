import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { once } from 'node:events';

/** How much is sent each way. */
export const BULK_BYTES = 1024 ** 3;

export const BULK_CHUNK = Buffer.alloc(1024 ** 2, 'x');

/** Counts what it is sent by POST, and sends as much to whoever gets: the same in a container and in a bare server. */
export async function answerBulk(
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
): Promise<void> {
  // Both kinds do all that is done here in the same way, but share no type.
  const answer = response as ServerResponse;
  if (request.method === 'POST') {
    let bytes = 0;
    for await (const chunk of request as IncomingMessage) bytes += (chunk as Buffer).length;
    answer.end(String(bytes));
    return;
  }
  answer.writeHead(200, { 'content-length': BULK_BYTES });
  for (let sent = 0; sent < BULK_BYTES; sent += BULK_CHUNK.length) {
    if (!answer.write(BULK_CHUNK)) await once(answer, 'drain');
  }
  answer.end();
}
