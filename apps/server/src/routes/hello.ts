import { DEFAULTS, type HelloReply, type WorkerDriver } from '@gantry/protocol';
import { Hono } from 'hono';

import type { HttpServerOptions } from '../http-server.ts';
import { VERSION } from '../version.ts';

/** What a client asks first. */
export function helloRoutes({ config, serverId, messaging, workers }: HttpServerOptions): Hono {
  return new Hono().get('/hello', (context) => {
    const reply: HelloReply = {
      serverId,
      version: VERSION,
      workspace: config.workspace,
      environment: DEFAULTS.environment,
      gatewayUrl: config.gatewayUrl,
      nats: { version: messaging.server.version, durability: config.durability },
      drivers: distinct(workers.statuses().flatMap(({ driver }) => driver ?? [])),
    };
    return context.json(reply);
  });
}

function distinct(drivers: readonly WorkerDriver[]): WorkerDriver[] {
  return [...new Map(drivers.map((driver) => [JSON.stringify(driver), driver])).values()];
}
