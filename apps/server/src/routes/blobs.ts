import type { BlobSource } from '@gantry/blobs';
import {
  COLLECTION_LIMITS,
  InvalidError,
  NotFoundError,
  parseBlobName,
  RequestSizeError,
  type ValueReply,
  valueName,
} from '@gantry/protocol';
import { type Context, Hono } from 'hono';

import type { HttpServerOptions } from '../http-server.ts';

const LARGEST_BLOB_BYTES = 4 * 1024 ** 3;
/** Arguments and results have less, as is checked where they are used; values of dicts come with a few bytes more. */
const LARGEST_VALUE_BYTES = COLLECTION_LIMITS.dictValueBytes + 1024;

/** Bundles and layers by digest, arguments and results by the names of values. Bodies stream through. */
export function blobRoutes({ blobs }: HttpServerOptions): Hono {
  return new Hono()
    .get('/blobs/:name', async (context) => {
      const name = context.req.param('name');
      if (!parseBlobName(name)) throw noDigest(name);
      if (context.req.method === 'HEAD') {
        if (await blobs.has(name)) return context.body(null, 200);
        throw new NotFoundError(`blob "${name}" does not exist`);
      }
      const content = await blobs.get(name);
      const headers = {
        'content-type': 'application/octet-stream',
        'cache-control': 'max-age=31536000, immutable',
      };
      return new Response(ReadableStream.from(content) as ReadableStream<Uint8Array>, { headers });
    })
    .put('/blobs/:digest', async (context) => {
      const digest = requireDigest(context.req.param('digest'));
      await blobs.put(digest, bodyOf(context, digest, LARGEST_BLOB_BYTES));
      return context.json({ digest }, 201);
    })
    .put('/values/:digest', async (context) => {
      const digest = requireDigest(context.req.param('digest'));
      const blob = valueName(digest, Date.now());
      await blobs.put(blob, bodyOf(context, digest, LARGEST_VALUE_BYTES));
      return context.json({ blob } satisfies ValueReply, 201);
    });
}

function bodyOf(context: Context, digest: string, mostBytes: number): BlobSource {
  if (Number(context.req.header('content-length') ?? 0) > mostBytes) throw tooLarge(digest, mostBytes);
  const { body } = context.req.raw;
  return body ? limited(digest, body, mostBytes) : new Uint8Array();
}

async function* limited(
  digest: string,
  body: ReadableStream<Uint8Array>,
  mostBytes: number,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw tooLarge(digest, mostBytes);
    yield chunk;
  }
}

function requireDigest(digest: string): string {
  if (parseBlobName(digest)?.digest === digest) return digest;
  throw noDigest(digest);
}

function noDigest(digest: string): InvalidError {
  return new InvalidError(`"${digest}" is not a blob digest`, {
    hint: 'A digest is "sha256-" and 64 lower-case hexadecimal digits.',
  });
}

function tooLarge(digest: string, mostBytes: number): RequestSizeError {
  const most = mostBytes === LARGEST_BLOB_BYTES ? '4 GiB' : `${Math.floor(mostBytes / 1024 ** 2)} MiB`;
  return new RequestSizeError(`blob "${digest}" exceeds ${most}`, {
    hint: 'Split it, or keep it in a volume.',
  });
}
