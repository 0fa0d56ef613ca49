import { InvalidError, type NewTokenRequest } from '@gantry/protocol';
import { Hono } from 'hono';

import type { HttpServerOptions } from '../http-server.ts';

/** Tokens by name. Whoever has one may make and revoke others. */
export function tokenRoutes({ tokens }: HttpServerOptions): Hono {
  return new Hono()
    .get('/tokens', (context) => context.json({ tokens: tokens.list() }))
    .post('/tokens', async (context) => {
      const body = (await context.req.json().catch(() => undefined)) as Partial<NewTokenRequest> | undefined;
      if (typeof body?.name !== 'string')
        throw new InvalidError('a new token needs a JSON object with "name"');
      return context.json(await tokens.create(body.name), 201);
    })
    .delete('/tokens/:name', async (context) => context.json(await tokens.revoke(context.req.param('name'))));
}
