import {
  DEFAULTS,
  decodeFrame,
  InvalidError,
  RequestSizeError,
  type VolumeCommitRequest,
  type VolumeHead,
  type VolumeListing,
  volumePath,
} from '@gantry/protocol';
import {
  copyPlan,
  type CommitPlan,
  entryAt,
  fileAt,
  type PlacedEntry,
  removalPlan,
  uploadPlan,
  type VolumeTree,
} from '@gantry/volumes';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';

import type { HttpServerOptions } from '../http-server.ts';
import { fileContent, readRange } from '../volumes/file-content.ts';
import { isDigestList } from '../volumes/pieces.ts';
import type { VolumeDirectory } from '../volumes/volume-directory.ts';
import { readJsonObject } from './read-json.ts';

const LARGEST_COMMIT_BYTES = 256 * 1024 ** 2;
const LARGEST_LOT_BYTES = 24 * 1024 ** 2;
const MOST_DIGESTS = 10_000;

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
  return new Hono()
    .get('/volumes/:volume/entries', async (context) => {
      const { tree } = await store.open(await idOf(volumes, context));
      const { path = '', recursive } = context.req.query();
      const start = { path: volumePath(path), entry: await entryAt(tree, path) };
      const body = ReadableStream.from(lines(listing(tree, start, recursive === '1')));
      return new Response(body as ReadableStream<Uint8Array>, {
        headers: { 'content-type': 'application/x-ndjson' },
      });
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
  const { store, pieces } = volumes;
  const commit = async (context: Context, plan: CommitPlan) => {
    const { version, entries, sizeBytes, committedAtMs } = await store.commit(
      await idOf(volumes, context),
      plan,
    );
    return context.json({ version, entries, sizeBytes, committedAtMs } satisfies Omit<VolumeHead, 'root'>);
  };
  return new Hono()
    .post('/volumes/:volume/missing', async (context) => {
      await idOf(volumes, context);
      const { digests } = await readJsonObject(context);
      if (!isDigestList(digests) || digests.length > MOST_DIGESTS)
        throw new InvalidError(`"digests" must be a list of at most ${MOST_DIGESTS} digests`);
      return context.json({ missing: await pieces.missing(digests) });
    })
    .post('/volumes/:volume/pieces', limit('pieces of files', LARGEST_LOT_BYTES), async (context) => {
      await idOf(volumes, context);
      const body = new Uint8Array(await context.req.arrayBuffer());
      await pieces.putAll(decodeFrame<{ pieces?: unknown }>(body)?.pieces);
      return context.json({}, 201);
    })
    .post('/volumes/:volume/commits', limit('a commit', LARGEST_COMMIT_BYTES), async (context) => {
      const body = new Uint8Array(await context.req.arrayBuffer());
      const request = decodeFrame<Partial<VolumeCommitRequest>>(body);
      const changes = await pieces.check(request?.changes);
      return commit(context, uploadPlan(changes, { overwrite: request.overwrite === true }));
    })
    .post('/volumes/:volume/remove', async (context) => {
      const { path, recursive } = await readJsonObject(context);
      if (typeof path !== 'string') throw new InvalidError('"path" is missing');
      return commit(context, removalPlan(path, { recursive: recursive === true }));
    })
    .post('/volumes/:volume/copy', async (context) => {
      const { sources, target, recursive } = await readJsonObject(context);
      if (!isPathList(sources) || typeof target !== 'string')
        throw new InvalidError('"sources" must be a list of paths, and "target" a path');
      return commit(context, copyPlan(sources, target, { recursive: recursive === true }));
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

async function* listing(
  tree: VolumeTree,
  start: PlacedEntry,
  recursive: boolean,
): AsyncGenerator<VolumeListing> {
  if (start.entry.type !== 'directory') return yield listed(start);
  for await (const placed of recursive ? tree.walk(start.path) : tree.list(start.path)) yield listed(placed);
}

function listed({ path, entry }: PlacedEntry): VolumeListing {
  const { type, mtimeMs } = entry;
  if (type === 'link') return { path, type, mtimeMs, sizeBytes: 0, target: entry.target };
  return { path, type, mtimeMs, sizeBytes: type === 'file' ? entry.sizeBytes : 0, mode: entry.mode };
}

async function* lines(entries: AsyncIterable<VolumeListing>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let text = '';
  for await (const entry of entries) {
    text += `${JSON.stringify(entry)}\n`;
    if (text.length < 64 * 1024) continue;
    yield encoder.encode(text);
    text = '';
  }
  if (text !== '') yield encoder.encode(text);
}

function isPathList(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string');
}
