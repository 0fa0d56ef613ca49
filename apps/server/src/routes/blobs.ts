import { InvalidError, NotFoundError, RequestSizeError } from '@gantry/protocol';
import { Hono } from 'hono';

import type { HttpServerOptions } from '../http-server.ts';

const DIGEST = /^sha256-[0-9a-f]{64}$/;
const LARGEST_BLOB_BYTES = 4 * 1024 ** 3;

/** Bundles and large payloads, by digest. Bodies stream through. */
export function blobRoutes({ blobs }: HttpServerOptions): Hono {
  return new Hono()
    .get('/blobs/:digest', async (context) => {
      const digest = requireDigest(context.req.param('digest'));
      if (context.req.method === 'HEAD') {
        if (await blobs.has(digest)) return context.body(null, 200);
        throw new NotFoundError(`blob "${digest}" does not exist`);
      }
      const content = await blobs.get(digest);
      const headers = {
        'content-type': 'application/octet-stream',
        'cache-control': 'max-age=31536000, immutable',
      };
      return new Response(ReadableStream.from(content) as ReadableStream<Uint8Array>, { headers });
    })
    .put('/blobs/:digest', async (context) => {
      const digest = requireDigest(context.req.param('digest'));
      if (Number(context.req.header('content-length') ?? 0) > LARGEST_BLOB_BYTES) throw tooLarge(digest);
      const body = context.req.raw.body;
      await blobs.put(digest, body ? limited(digest, body) : new Uint8Array());
      return context.json({ digest }, 201);
    });
}

async function* limited(digest: string, body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > LARGEST_BLOB_BYTES) throw tooLarge(digest);
    yield chunk;
  }
}

function requireDigest(digest: string): string {
  if (DIGEST.test(digest)) return digest;
  throw new InvalidError(`"${digest}" is not a blob digest`, {
    hint: 'A digest is "sha256-" and 64 lower-case hexadecimal digits.',
  });
}

function tooLarge(digest: string): RequestSizeError {
  return new RequestSizeError(`blob "${digest}" exceeds 4 GiB`, {
    hint: 'Split it, or keep it in a volume.',
  });
}
