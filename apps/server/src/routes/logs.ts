import { DEFAULTS, InvalidError, type LogEntry } from '@gantry/protocol';
import { Hono } from 'hono';

import { appEnd } from '../app-end.ts';
import type { HttpServerOptions } from '../http-server.ts';

/** What containers print, one JSON object a line; followed, until the app has ended or the reader leaves. */
export function logRoutes({ apps, workers, messaging }: HttpServerOptions): Hono {
  return new Hono().get('/apps/:app/logs', async (context) => {
    const { environment = DEFAULTS.environment, follow, since } = context.req.query();
    const app = await apps.find(environment, context.req.param('app'));
    const ended = new AbortController();
    context.req.raw.signal.addEventListener('abort', () => ended.abort(), { once: true });
    const isFollowed = follow === '1' || follow === 'true';
    if (isFollowed) void appEnd(app.id, { apps, workers }, ended.signal).then(() => ended.abort());
    const entries = messaging.logs.read(app.id, {
      follow: isFollowed,
      sinceMs: since === undefined ? undefined : readInstant(since),
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
  });
}

async function* toLines(entries: AsyncIterable<LogEntry>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const entry of entries) yield encoder.encode(`${JSON.stringify(entry)}\n`);
}

/** Milliseconds since the epoch, or an ISO date. */
function readInstant(text: string): number {
  const instant = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isSafeInteger(instant) && instant <= 8.64e15) return instant;
  throw new InvalidError(`"${text}" is no instant`, {
    hint: 'Give milliseconds since 1970, or a date such as 2026-01-31T12:00:00Z.',
  });
}
