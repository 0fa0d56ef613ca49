import { DEFAULTS } from '@gantry/protocol';
import { Hono } from 'hono';

import { DeploymentHistory } from '../deploy/deployment-history.ts';
import { readRollbackRequest } from '../deploy/rollback-body.ts';
import type { HttpServerOptions } from '../http-server.ts';

/** What apps were, and the way back. */
export function deploymentHistoryRoutes({
  apps,
  deployer,
  messaging,
  environments,
}: HttpServerOptions): Hono {
  const history = new DeploymentHistory(messaging, deployer);
  const environmentOf = (query: string | undefined) => query ?? DEFAULTS.environment;
  return new Hono()
    .get('/apps/:app/deployments', async (context) => {
      const app = await apps.find(environmentOf(context.req.query('environment')), context.req.param('app'));
      return context.json({ deployments: await history.list(app) });
    })
    .get('/apps/:app/interface', async (context) => {
      const app = await apps.find(environmentOf(context.req.query('environment')), context.req.param('app'));
      const found = await history.interfaceOf(app);
      return context.json({ ...found, environment: environments.nameOf(app.environment) });
    })
    .post('/apps/:app/rollback', async (context) => {
      const app = await apps.find(environmentOf(context.req.query('environment')), context.req.param('app'));
      const body: unknown = await context.req.json().catch(() => ({}));
      return context.json(await history.rollback(app, readRollbackRequest(body)));
    });
}
