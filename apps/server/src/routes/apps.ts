import type { FunctionDirectory } from '@gantry/messaging';
import {
  type AppRecord,
  type AppSummary,
  DEFAULTS,
  type FunctionLookup,
  type FunctionRecord,
  NotFoundError,
} from '@gantry/protocol';
import { Hono } from 'hono';

import type { HttpServerOptions } from '../http-server.ts';
import { findOrCreateApp } from '../deploy/app-creation.ts';
import { functionId } from '../deploy/function-ids.ts';

/** Apps and their functions. */
export function appRoutes(options: HttpServerOptions): Hono {
  const { apps, functions, workers, stopper, messaging, crashLoops, unplaceable } = options;
  const environmentOf = (query: string | undefined) => query ?? DEFAULTS.environment;
  const parts = { functions, workers, crashLoops, unplaceable };
  return new Hono()
    .get('/apps', (context) => {
      const environment = environmentOf(context.req.query('environment'));
      const found = apps.all().filter((app) => app.environment === environment);
      const newestFirst = found.sort((a, b) => b.createdAtMs - a.createdAtMs);
      return context.json({ apps: newestFirst.map((app) => summaryOf(app, parts)) });
    })
    .put('/apps/:app', async (context) => {
      const environment = environmentOf(context.req.query('environment'));
      const app = await findOrCreateApp({ messaging, apps }, environment, context.req.param('app'));
      return context.json(summaryOf(app, parts));
    })
    .get('/apps/:app', async (context) => {
      const app = await apps.find(environmentOf(context.req.query('environment')), context.req.param('app'));
      return context.json(summaryOf(app, parts));
    })
    .get('/apps/:app/functions/:name', async (context) => {
      const app = await apps.find(environmentOf(context.req.query('environment')), context.req.param('app'));
      const name = context.req.param('name');
      const record = await functions.fetch(functionId(app.id, name));
      if (!record || record.stopped) throw unknownFunction(app, name, functions);
      return context.json(lookupOf(app, record));
    })
    .post('/apps/:app/stop', async (context) => {
      const app = await apps.find(environmentOf(context.req.query('environment')), context.req.param('app'));
      return context.json(summaryOf(await stopper.stop(app.id, 'stopped by request'), parts));
    });
}

type SummaryParts = Pick<HttpServerOptions, 'functions' | 'workers' | 'crashLoops' | 'unplaceable'>;

function summaryOf(
  app: AppRecord,
  { functions, workers, crashLoops, unplaceable }: SummaryParts,
): AppSummary {
  const { id, name, description, environment, state, version, createdAtMs, stoppedAtMs } = app;
  const own = functions.all().filter((record) => record.appId === id && !record.stopped);
  return {
    id,
    name,
    description,
    environment,
    state,
    version,
    containers: workers.containers().filter(({ container }) => container.appId === id).length,
    createdAtMs,
    stoppedAtMs,
    functions: own
      .map(({ id: functionId, spec, urls }) => {
        const crashLoop = crashLoops.of(functionId);
        const reason = unplaceable.reasonFor(functionId);
        const troubles = { ...(crashLoop && { crashLoop }), ...(reason && { unplaceable: reason }) };
        return { id: functionId, name: spec.name, kind: spec.kind, urls, ...troubles };
      })
      .sort((a, b) => a.name.localeCompare(b.name)),
  };
}

function lookupOf(app: AppRecord, record: FunctionRecord): FunctionLookup {
  const { name, kind, methods, parameters } = record.spec;
  return {
    functionId: record.id,
    appId: app.id,
    appName: app.name,
    name,
    kind,
    version: record.version,
    methods: methods.map(({ name: method, handlerKind, callable }) => ({
      name: method,
      handlerKind,
      callable,
    })),
    parameters,
    urls: record.urls,
  };
}

function unknownFunction(app: AppRecord, name: string, functions: FunctionDirectory): NotFoundError {
  const names = functions.all().filter((record) => record.appId === app.id && !record.stopped);
  return new NotFoundError(`app "${app.name ?? app.id}" has no function "${name}"`, {
    hint:
      app.state === 'stopped'
        ? 'The app is stopped: deploy or run it again.'
        : `Its functions: ${names.map((record) => record.spec.name).join(', ') || 'none'}.`,
  });
}
