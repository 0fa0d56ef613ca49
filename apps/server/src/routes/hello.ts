import { DEFAULTS, type HelloReply } from '@gantry/protocol';
import { Hono } from 'hono';

import type { HttpServerOptions } from '../http-server.ts';
import { VERSION } from '../version.ts';

/** What a client asks first. */
export function helloRoutes({ config, serverId, messaging }: HttpServerOptions): Hono {
  return new Hono().get('/hello', (context) => {
    const reply: HelloReply = {
      serverId,
      version: VERSION,
      workspace: config.workspace,
      environment: DEFAULTS.environment,
      gatewayUrl: config.gatewayUrl,
      nats: { version: messaging.server.version, durability: config.durability },
    };
    return context.json(reply);
  });
}
