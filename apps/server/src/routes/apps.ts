import type { FunctionDirectory } from '@gantry/messaging';
import {
  type AppRecord,
  type AppSummary,
  DEFAULTS,
  type EnvironmentSummary,
  type FunctionLookup,
  type FunctionRecord,
  isId,
  NotFoundError,
} from '@gantry/protocol';
import { Hono } from 'hono';

import type { HttpServerOptions } from '../http-server.ts';
import { findOrCreateApp } from '../deploy/app-creation.ts';
import { functionId } from '../deploy/function-ids.ts';
import { pagePathOf } from '../deploy/page-path.ts';
import { FunctionStatuses } from '../function-statuses.ts';

/** Apps and their functions. */
export function appRoutes(options: HttpServerOptions): Hono {
  const { apps, functions, workers, stopper, messaging, crashLoops, unplaceable, config } = options;
  const environmentOf = (query: string | undefined) => query ?? DEFAULTS.environment;
  const parts = { functions, workers, crashLoops, unplaceable, config };
  const statuses = new FunctionStatuses({ messaging, workers });
  return new Hono()
    .get('/environments', (context) => context.json({ environments: environmentsOf(apps.all()) }))
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
      const environment = context.req.query('environment');
      const nameOrId = context.req.param('app');
      const isByIdAlone = environment === undefined && isId(nameOrId, 'ap');
      const app = isByIdAlone
        ? await apps.findById(nameOrId)
        : await apps.find(environmentOf(environment), nameOrId);
      return context.json(summaryOf(app, parts));
    })
    .get('/apps/:app/functions', async (context) => {
      const app = await apps.find(environmentOf(context.req.query('environment')), context.req.param('app'));
      const own = functions.all().filter(({ appId, stopped }) => appId === app.id && !stopped);
      return context.json({ functions: await statuses.of(own) });
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

function environmentsOf(apps: readonly AppRecord[]): EnvironmentSummary[] {
  const counts = new Map<string, number>([[DEFAULTS.environment, 0]]);
  for (const { environment, state } of apps) {
    counts.set(environment, (counts.get(environment) ?? 0) + (state === 'stopped' ? 0 : 1));
  }
  return [...counts]
    .map(([name, count]) => ({ name, apps: count }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

type SummaryParts = Pick<
  HttpServerOptions,
  'functions' | 'workers' | 'crashLoops' | 'unplaceable' | 'config'
>;

function summaryOf(
  app: AppRecord,
  { functions, workers, crashLoops, unplaceable, config }: SummaryParts,
): AppSummary {
  const { id, name, description, environment, state, version, createdAtMs, deployedAtMs, stoppedAtMs } = app;
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
    deployedAtMs,
    stoppedAtMs,
    pagePath: pagePathOf(config.workspace, app),
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
