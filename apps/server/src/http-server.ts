import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

import type { BlobStore } from '@gantry/blobs';
import type { EnvironmentDirectory, FunctionDirectory, Messaging } from '@gantry/messaging';
import type { SecretStore } from '@gantry/secrets';
import { GantryError, NotFoundError } from '@gantry/protocol';
import type { VolumeDirectory } from '@gantry/volumes';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';

import type { AppDirectory } from './app-directory.ts';
import type { AppStopper } from './app-stopper.ts';
import { allowedStream } from './browser/allowed-stream.ts';
import { BrowserSessions } from './browser/browser-sessions.ts';
import { RequestCheck } from './browser/request-check.ts';
import type { CompleteServerConfig } from './config.ts';
import type { CrashLoops } from './crash-loops.ts';
import type { DomainStore } from './domains/domain-store.ts';
import type { DemandSignal } from './demand-signal.ts';
import type { Deployer } from './deploy/deployer.ts';
import type { EnvironmentDesk } from './environments/environment-desk.ts';
import { ExecServer } from './execs/exec-server.ts';
import { problemResponse } from './problem.ts';
import { appRoutes } from './routes/apps.ts';
import { blobRoutes } from './routes/blobs.ts';
import { browserRoutes, signInRoutes } from './routes/browser.ts';
import { containerRoutes } from './routes/containers.ts';
import { dashboardRoutes } from './routes/dashboard.ts';
import { deploymentHistoryRoutes } from './routes/deployment-history.ts';
import { domainRoutes } from './routes/domains.ts';
import { deploymentRoutes } from './routes/deployments.ts';
import { environmentRoutes } from './routes/environments.ts';
import { imageBuilderRoutes } from './routes/image-builder.ts';
import { imageRoutes } from './routes/images.ts';
import { helloRoutes } from './routes/hello.ts';
import { logRoutes } from './routes/logs.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { usageRoutes } from './routes/usage.ts';
import { secretRoutes } from './routes/secrets.ts';
import { SessionServer } from './routes/session.ts';
import { tokenRoutes } from './routes/tokens.ts';
import type { ScheduledCalls } from './schedules/scheduled-calls.ts';
import type { BuilderChoice } from './images/builder-choice.ts';
import type { DeployImages } from './images/deploy-images.ts';
import { TokenCheck } from './token-check.ts';
import type { TokenStore } from './token-store.ts';
import { volumeFileRoutes } from './routes/volume-files.ts';
import { volumeRoutes } from './routes/volumes.ts';
import type { UnplaceableFunctions } from './unplaceable-functions.ts';
import type { WorkerObserver } from './worker-observer.ts';

/** What the routes work with. */
export interface HttpServerOptions {
  config: CompleteServerConfig;
  serverId: string;
  blobs: BlobStore;
  messaging: Messaging;
  functions: FunctionDirectory;
  apps: AppDirectory;
  environments: EnvironmentDirectory;
  environmentDesk: EnvironmentDesk;
  workers: WorkerObserver;
  crashLoops: CrashLoops;
  tokens: TokenStore;
  unplaceable: UnplaceableFunctions;
  deployer: Deployer;
  images: DeployImages;
  builder: BuilderChoice;
  stopper: AppStopper;
  demand: DemandSignal;
  calls: ScheduledCalls;
  secrets: SecretStore;
  volumes: VolumeDirectory;
  domains: DomainStore;
}

/** The control API: JSON over HTTP, and sessions over WebSocket. And the pages of the dashboard, which asks it. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #sessions: SessionServer;
  readonly #execs: ExecServer;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const token = new TokenCheck(options.config.token, options.tokens);
    this.#sessions = new SessionServer(options, token);
    this.#execs = new ExecServer(options, token);
    const api = createApi(options, token);
    this.#server = createServer(getRequestListener(api.fetch, { overrideGlobalObjects: false }));
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const server = this.#execs.isFor(request) ? this.#execs : this.#sessions;
      server.upgrade(request, socket, head);
    });
  }

  async listen(): Promise<string> {
    const { host, port } = this.#options.config;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => resolve());
    });
    const address = this.#server.address() as AddressInfo;
    const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return `http://${shown}:${address.port}`;
  }

  async close(): Promise<void> {
    this.#sessions.close();
    this.#execs.close();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

function createApi(options: HttpServerOptions, token: TokenCheck): Hono {
  const api = new Hono();
  const sessions = new BrowserSessions(options.messaging);
  const check = new RequestCheck(token, sessions);
  api.route('/', dashboardRoutes(options.config.dashboardPath));
  api.route('/v1', signInRoutes({ sessions, token }));
  api.use('/v1/*', async (context, next) => {
    const caller = await check.require(context.req.raw, context.req.path);
    await next();
    if (caller === 'browser') context.header('cache-control', 'no-store');
  });
  api.use('/v1/:kind/:id/logs', async (context, next) => {
    await next();
    const { body, status, headers } = context.res;
    if (!body || status !== 200) return;
    const isGood = () => check.require(context.req.raw, context.req.path);
    context.res = new Response(allowedStream(body, isGood), { headers });
  });
  api.route('/v1', browserRoutes({ sessions, token }));
  api.route('/v1', helloRoutes(options));
  api.route('/v1', blobRoutes(options));
  api.route('/v1', deploymentRoutes(options));
  api.route('/v1', imageRoutes(options));
  api.route('/v1', imageBuilderRoutes(options));
  api.route('/v1', deploymentHistoryRoutes(options));
  api.route('/v1', environmentRoutes(options));
  api.route('/v1', appRoutes(options));
  api.route('/v1', scheduleRoutes(options));
  api.route('/v1', usageRoutes(options));
  api.route('/v1', logRoutes(options));
  api.route('/v1', containerRoutes(options));
  api.route('/v1', secretRoutes(options));
  api.route('/v1', tokenRoutes(options));
  api.route('/v1', domainRoutes(options));
  api.route('/v1', volumeRoutes(options));
  api.route('/v1', volumeFileRoutes(options));
  api.notFound((context) =>
    problemResponse(
      new NotFoundError(`the server has nothing at "${context.req.method} ${context.req.path}"`, {
        hint: 'Compare the versions of client and server.',
      }),
    ),
  );
  api.onError((error, context) => {
    if (!(error instanceof GantryError)) {
      options.config.log.error(
        { err: error, method: context.req.method, path: context.req.path },
        'request failed',
      );
    }
    return problemResponse(error);
  });
  return api;
}
