import type { LogReadOptions } from '@gantry/messaging';
import { DEFAULTS, InvalidError, isId, type LogEntry, NotFoundError } from '@gantry/protocol';
import { type Context, Hono } from 'hono';

import { appEnd, containerEnd } from '../app-end.ts';
import type { HttpServerOptions } from '../http-server.ts';

/** What containers print, one JSON object a line; followed, until they have ended for good or the reader leaves. */
export function logRoutes({ apps, workers, messaging }: HttpServerOptions): Hono {
  return new Hono()
    .get('/apps/:app/logs', async (context) => {
      const app = await apps.find(
        context.req.query('environment') ?? DEFAULTS.environment,
        context.req.param('app'),
      );
      return answer(context, {
        end: (signal) => appEnd(app.id, { apps, workers }, signal),
        read: (options) => messaging.logs.read(app.id, options),
      });
    })
    .get('/containers/:id/logs', async (context) => {
      const containerId = context.req.param('id');
      if (!isId(containerId, 'ta')) throw unknownContainer(containerId);
      const isRunning = workers.containers().some(({ container }) => container.containerId === containerId);
      if (!isRunning && !(await hasAny(messaging.logs.readContainer(containerId)))) {
        throw unknownContainer(containerId);
      }
      return answer(context, {
        end: (signal) => containerEnd(containerId, { workers }, signal),
        read: (options) => messaging.logs.readContainer(containerId, options),
      });
    });
}

interface LogSource {
  /** Resolves when nothing more comes, or at the signal. */
  end(signal: AbortSignal): Promise<void>;
  read(options: LogReadOptions): AsyncIterable<LogEntry>;
}

function answer(context: Context, source: LogSource): Response {
  const { follow, since, from } = context.req.query();
  const ended = new AbortController();
  context.req.raw.signal.addEventListener('abort', () => ended.abort(), { once: true });
  const isFollowed = follow === '1' || follow === 'true';
  if (isFollowed) void source.end(ended.signal).then(() => ended.abort());
  const entries = source.read({
    follow: isFollowed,
    sinceMs: since === undefined ? undefined : readInstant(since),
    from: from === undefined ? undefined : readPosition(from),
    signal: ended.signal,
  });
  const lines = toLines(entries)[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const next = await lines.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    cancel: () => ended.abort(),
  });
  return new Response(body, {
    headers: { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' },
  });
}

async function hasAny(entries: AsyncIterable<LogEntry>): Promise<boolean> {
  for await (const _entry of entries) return true;
  return false;
}

function unknownContainer(containerId: string): NotFoundError {
  return new NotFoundError(`container "${containerId}" is not known`, {
    hint: 'List what runs: `gantry container list`. Logs stay for 7 days.',
  });
}

async function* toLines(entries: AsyncIterable<LogEntry>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const entry of entries) yield encoder.encode(`${JSON.stringify(entry)}\n`);
}

/** That of an entry that was read before. */
function readPosition(text: string): number {
  const position = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(position) && position > 0) return position;
  throw new InvalidError(`"${text}" is no position in a log`, {
    hint: 'Give the "position" of an entry that was read before.',
  });
}

/** Milliseconds since the epoch, or an ISO date. */
function readInstant(text: string): number {
  const instant = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isSafeInteger(instant) && instant <= 8.64e15) return instant;
  throw new InvalidError(`"${text}" is no instant`, {
    hint: 'Give milliseconds since 1970, or a date such as 2026-01-31T12:00:00Z.',
  });
}
