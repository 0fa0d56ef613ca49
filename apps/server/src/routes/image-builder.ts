import { Hono } from 'hono';

import type { HttpServerOptions } from '../http-server.ts';
import { readJsonObject } from './read-json.ts';

/** What images begin with. */
export function imageBuilderRoutes({ builder }: Pick<HttpServerOptions, 'builder'>): Hono {
  return new Hono()
    .get('/image-builder', async (context) => context.json(await builder.list()))
    .put('/image-builder', async (context) => {
      const { version } = await readJsonObject(context);
      return context.json(await builder.choose(version));
    });
}
