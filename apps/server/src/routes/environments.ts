import type { EnvironmentRecord, EnvironmentSummary } from '@gantry/protocol';
import { Hono } from 'hono';

import { readEnvironmentChange, readNewEnvironment } from '../environments/environment-body.ts';
import type { HttpServerOptions } from '../http-server.ts';
import { readJsonObject } from './read-json.ts';

/** Environments by name. What is in them is at the routes of its kind. */
export function environmentRoutes({ environmentDesk }: Pick<HttpServerOptions, 'environmentDesk'>): Hono {
  return new Hono()
    .get('/environments', async (context) =>
      context.json({ environments: (await environmentDesk.list()).map(summaryOf) }),
    )
    .post('/environments', async (context) => {
      const request = readNewEnvironment(await readJsonObject(context));
      return context.json(summaryOf(await environmentDesk.create(request)), 201);
    })
    .get('/environments/:name', async (context) =>
      context.json(summaryOf(await environmentDesk.find(context.req.param('name')))),
    )
    .get('/environments/:name/contents', async (context) =>
      context.json(await environmentDesk.contents(context.req.param('name'))),
    )
    .patch('/environments/:name', async (context) => {
      const request = readEnvironmentChange(await readJsonObject(context));
      return context.json(summaryOf(await environmentDesk.change(context.req.param('name'), request)));
    })
    .delete('/environments/:name', async (context) =>
      context.json(await environmentDesk.delete(context.req.param('name'))),
    );
}

function summaryOf({ id, name, webSuffix, createdAtMs }: EnvironmentRecord): EnvironmentSummary {
  return { id, name, webSuffix, createdAtMs };
}
