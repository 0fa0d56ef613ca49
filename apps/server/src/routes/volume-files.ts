import { DEFAULTS, RequestSizeError } from '@gantry/protocol';
import { fileAt, fileContent, readRange, type VolumeDirectory, VolumeRequests } from '@gantry/volumes';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';

import type { HttpServerOptions } from '../http-server.ts';
import { readJsonObject } from './read-json.ts';

const LARGEST_COMMIT_BYTES = 256 * 1024 ** 2;
const LARGEST_LOT_BYTES = 24 * 1024 ** 2;

/** Files of volumes as programs outside of containers see them: as they were committed last. */
export function volumeFileRoutes({ volumes }: Pick<HttpServerOptions, 'volumes'>): Hono {
  return new Hono().route('/', readingRoutes(volumes)).route('/', changingRoutes(volumes));
}

async function idOf(volumes: VolumeDirectory, context: Context): Promise<string> {
  const environment = context.req.query('environment') ?? DEFAULTS.environment;
  return (await volumes.find(environment, context.req.param('volume') ?? '')).id;
}

function readingRoutes(volumes: VolumeDirectory): Hono {
  const { store, blobs } = volumes;
  const requests = new VolumeRequests(volumes);
  return new Hono()
    .get('/volumes/:volume/entries', async (context) => {
      const { path = '', recursive } = context.req.query();
      const lines = await requests.entries(await idOf(volumes, context), path, recursive === '1');
      const body = ReadableStream.from(lines) as ReadableStream<Uint8Array>;
      return new Response(body, { headers: { 'content-type': 'application/x-ndjson' } });
    })
    .get('/volumes/:volume/file', async (context) => {
      const { tree } = await store.open(await idOf(volumes, context));
      const file = await fileAt(tree, context.req.query('path') ?? '');
      const range = readRange(context.req.header('range'), file.sizeBytes);
      const { start, end } = range ?? { start: 0, end: file.sizeBytes };
      const headers = {
        'content-type': 'application/octet-stream',
        'content-length': String(end - start),
        'accept-ranges': 'bytes',
        ...(range && { 'content-range': `bytes ${start}-${end - 1}/${file.sizeBytes}` }),
      };
      const body = ReadableStream.from(fileContent(blobs, file, { start, end }));
      return new Response(body as ReadableStream<Uint8Array>, { status: range ? 206 : 200, headers });
    });
}

function changingRoutes(volumes: VolumeDirectory): Hono {
  const requests = new VolumeRequests(volumes);
  const bytesOf = async (context: Context) => new Uint8Array(await context.req.arrayBuffer());
  return new Hono()
    .post('/volumes/:volume/missing', async (context) => {
      await idOf(volumes, context);
      return context.json(await requests.missing((await readJsonObject(context))['digests']));
    })
    .post('/volumes/:volume/pieces', limit('pieces of files', LARGEST_LOT_BYTES), async (context) => {
      await idOf(volumes, context);
      await requests.putPieces(await bytesOf(context));
      return context.json({}, 201);
    })
    .post('/volumes/:volume/commits', limit('a commit', LARGEST_COMMIT_BYTES), async (context) => {
      const body = await bytesOf(context);
      return context.json(await requests.commit(await idOf(volumes, context), body));
    })
    .post('/volumes/:volume/remove', async (context) => {
      const body = await readJsonObject(context);
      return context.json(await requests.remove(await idOf(volumes, context), body));
    })
    .post('/volumes/:volume/copy', async (context) => {
      const body = await readJsonObject(context);
      return context.json(await requests.copy(await idOf(volumes, context), body));
    });
}

function limit(what: string, maxSize: number) {
  return bodyLimit({
    maxSize,
    onError: () => {
      throw new RequestSizeError(`${what} has at most ${maxSize / 1024 ** 2} MiB`);
    },
  });
}
