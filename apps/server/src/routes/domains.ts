import { InvalidError } from '@gantry/protocol';
import { Hono } from 'hono';

import type { HttpServerOptions } from '../http-server.ts';

/** Domains of the workspace. */
export function domainRoutes({ domains }: HttpServerOptions): Hono {
  return new Hono()
    .get('/domains', async (context) => context.json({ domains: await domains.list() }))
    .post('/domains', async (context) => {
      const body: unknown = await context.req.json().catch(() => undefined);
      const { name, trusted } = (body ?? {}) as { name?: unknown; trusted?: unknown };
      if (typeof name !== 'string') throw new InvalidError('a domain needs a JSON object with "name"');
      return context.json(await domains.add(name, { trusted: trusted === true }), 201);
    })
    .post('/domains/:name/verify', async (context) =>
      context.json(await domains.verify(context.req.param('name'))),
    )
    .delete('/domains/:name', async (context) =>
      context.json(await domains.remove(context.req.param('name'))),
    );
}
