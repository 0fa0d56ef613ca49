import { InvalidError, type NewTokenRequest } from '@gantry/protocol';
import { Hono, type Context } from 'hono';

import type { HttpServerOptions } from '../http-server.ts';
import { ProxyTokenStore } from '../proxy-token-store.ts';

/** Tokens by name, and proxy tokens. Whoever has a token may make and revoke others. */
export function tokenRoutes({ tokens, messaging }: HttpServerOptions): Hono {
  const proxyTokens = new ProxyTokenStore(messaging.registry);
  return new Hono()
    .get('/tokens', (context) => context.json({ tokens: tokens.list() }))
    .post('/tokens', async (context) => context.json(await tokens.create(await nameIn(context)), 201))
    .delete('/tokens/:name', async (context) => context.json(await tokens.revoke(context.req.param('name'))))
    .get('/proxy-tokens', async (context) => context.json({ tokens: await proxyTokens.list() }))
    .post('/proxy-tokens', async (context) =>
      context.json(await proxyTokens.create(await nameIn(context)), 201),
    )
    .delete('/proxy-tokens/:id', async (context) =>
      context.json(await proxyTokens.revoke(context.req.param('id'))),
    );
}

async function nameIn({ req }: Context): Promise<string> {
  const body = (await req.json().catch(() => undefined)) as Partial<NewTokenRequest> | undefined;
  if (typeof body?.name === 'string') return body.name;
  throw new InvalidError('a new token needs a JSON object with "name"');
}
