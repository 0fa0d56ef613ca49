import { DEFAULTS, InvalidError } from '@gantry/protocol';
import { type Context, Hono } from 'hono';

import type { HttpServerOptions } from '../http-server.ts';
import { readJsonObject } from './read-json.ts';

/** Volumes by name. Their files are at {@link volumeFileRoutes}. */
export function volumeRoutes({ volumes }: Pick<HttpServerOptions, 'volumes'>): Hono {
  const environmentOf = (context: Context) => context.req.query('environment') ?? DEFAULTS.environment;
  return new Hono()
    .get('/volumes', async (context) => context.json({ volumes: await volumes.list(environmentOf(context)) }))
    .post('/volumes', async (context) => {
      const record = await volumes.createEphemeral(environmentOf(context));
      return context.json(await volumes.summary(record));
    })
    .put('/volumes/:volume', async (context) => {
      const mustBeNew = context.req.query('new') === '1';
      const name = context.req.param('volume');
      const record = await volumes.create(environmentOf(context), name, { mustBeNew });
      return context.json(await volumes.summary(record));
    })
    .get('/volumes/:volume', async (context) => {
      const record = await volumes.find(environmentOf(context), context.req.param('volume'));
      return context.json(await volumes.summary(record));
    })
    .post('/volumes/:volume/rename', async (context) => {
      const { name } = await readJsonObject(context);
      if (typeof name !== 'string') throw new InvalidError('the new name of the volume is missing');
      const record = await volumes.rename(environmentOf(context), context.req.param('volume'), name);
      return context.json(await volumes.summary(record));
    })
    .delete('/volumes/:volume', async (context) => {
      await volumes.delete(environmentOf(context), context.req.param('volume'));
      return context.json({});
    });
}
