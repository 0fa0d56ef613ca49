import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import type { FetchApp, FetchServer, ServerSocket, WebSocketHandlers } from 'gantry';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { streamSSE } from 'hono/streaming';

const LARGEST_UPLOAD = 5 * 1024 * 1024;
const ENDPOINTS = ['convert', 'order', 'upload', 'chart', 'countdown', 'page', 'vault', 'slow', 'listing'];

export interface SiteOptions {
  /** Where a function of the app is. */
  addressOf(name: string): Promise<string | null>;
}

/** The page and what it talks to. One process has all its visitors, so that they hear each other. */
export function makeSite({ addressOf }: SiteOptions): FetchApp {
  const visitors = new Set<ServerSocket>();
  const site = new Hono<{ Bindings: FetchServer }>()
    .get('/', async (c) => c.html(await readFile('site/index.html', 'utf8')))
    .get('/addresses', cors(), async (c) => {
      const found = await Promise.all(ENDPOINTS.map(async (name) => [name, await addressOf(name)]));
      return c.json(Object.fromEntries(found));
    })
    .post('/files', bodyLimit({ maxSize: LARGEST_UPLOAD }), async (c) => {
      const { file } = await c.req.parseBody();
      if (!(file instanceof File)) return c.json({ error: 'Send a form with a field called "file".' }, 422);
      const bytes = new Uint8Array(await file.arrayBuffer());
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return c.json({ name: file.name, size: file.size, sha256 }, 201);
    })
    .get('/events', (c) =>
      streamSSE(c, async (events) => {
        for (let id = 1; !events.aborted; id += 1) {
          await events.writeSSE({ id: String(id), data: new Date().toISOString() });
          await events.sleep(500);
        }
      }),
    )
    .get('/talk', (c) => (c.env.upgrade(c.req.raw) ? c.body(null) : c.text('a WebSocket, please', 426)));
  const websocket: WebSocketHandlers = {
    open: (socket) => visitors.add(socket),
    message: (_socket, text) => visitors.forEach((visitor) => visitor.send(String(text))),
    close: (socket) => visitors.delete(socket),
  };
  return { fetch: site.fetch, websocket };
}
