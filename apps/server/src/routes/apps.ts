import type { FunctionDirectory } from '@gantry/messaging';
import {
  type AppRecord,
  type AppSummary,
  DEFAULTS,
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
  const { apps, functions, workers, stopper, messaging, environments } = options;
  const environmentOf = (query: string | undefined) => query ?? DEFAULTS.environment;
  const statuses = new FunctionStatuses({ messaging, workers });
  return new Hono()
    .get('/apps', async (context) => {
      const environment = environmentOf(context.req.query('environment'));
      const found = await apps.allIn(environment);
      const newestFirst = found.sort((a, b) => b.createdAtMs - a.createdAtMs);
      return context.json({ apps: newestFirst.map((app) => summaryOf(app, options)) });
    })
    .put('/apps/:app', async (context) => {
      const environment = environmentOf(context.req.query('environment'));
      const app = await findOrCreateApp(
        { messaging, apps, environments },
        environment,
        context.req.param('app'),
      );
      return context.json(summaryOf(app, options));
    })
    .get('/apps/:app', async (context) => {
      const environment = context.req.query('environment');
      const nameOrId = context.req.param('app');
      const isByIdAlone = environment === undefined && isId(nameOrId, 'ap');
      const app = isByIdAlone
        ? await apps.findById(nameOrId)
        : await apps.find(environmentOf(environment), nameOrId);
      return context.json(summaryOf(app, options));
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
      return context.json(summaryOf(await stopper.stop(app.id, 'stopped by request'), options));
    });
}

type SummaryParts = Pick<
  HttpServerOptions,
  'functions' | 'workers' | 'crashLoops' | 'unplaceable' | 'config' | 'environments'
>;

function summaryOf(
  app: AppRecord,
  { functions, workers, crashLoops, unplaceable, config, environments }: SummaryParts,
): AppSummary {
  const { id, name, description, state, version, createdAtMs, deployedAtMs, stoppedAtMs } = app;
  const environment = environments.nameOf(app.environment);
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
    pagePath: pagePathOf(config.workspace, { ...app, environment }),
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
    imageId: record.image?.id,
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
