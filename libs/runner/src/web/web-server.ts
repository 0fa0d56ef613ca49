import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { DEFAULTS, type FunctionSpec, type MethodSpec, type WebSpec } from '@gantry/protocol';

import type { ContainerSocket } from '../container-socket.ts';
import { EndpointRoute, type WebHandler } from './endpoint-route.ts';
import { sendJson } from './failure.ts';
import { FetchRoute } from './fetch-route.ts';
import { ListenerRoute } from './listener-route.ts';
import { ListeningProgram, startProgram } from './listening-program.ts';
import { PortRoute } from './port-route.ts';
import { answerOn } from './upgraded.ts';
import type { WebContainer, WebRoute } from './web-route.ts';

const IDLE_SWEEP_MS = 20;
/** How long a server that closes goes on answering: gateways learn of it a moment later, and may send until then. */
const LINGER_MS = 200;

/** What a container's HTTP server needs to know. */
export interface WebServerOptions extends Omit<WebContainer, 'timeoutMs'> {
  /** Where to listen. */
  socket: ContainerSocket;
  spec: FunctionSpec;
  /** Finds the user's code behind an endpoint; called once, at its first request. */
  resolveHandler(methodName: string): WebHandler;
  /** Calls a method that makes a web app, or starts a program. */
  makeApp(methodName: string): unknown;
  /** Told when the container is of no use any more. */
  onLost(error: Error): void;
}

/**
 * Makes a function's web apps, and serves them and its endpoints over HTTP on a Unix socket. The header
 * `gantry-method`, set by the gateway, says which method a request is for.
 *
 * @throws whatever the code of an app throws, ContainerError for what is no app.
 *
 * @example
 * ```ts
 * const server = await startWebServer({ socket: new ContainerSocket(path), spec, resolveHandler, … });
 * await server.close(); // goes on for a moment, then waits for the requests that run
 * ```
 */
export async function startWebServer(options: WebServerOptions): Promise<{ close(): Promise<void> }> {
  const routes = await startRoutes(options);
  const server = await options.socket.server();
  server.on('request', (request, response) => serve(routes, request, response));
  server.on('upgrade', (request, socket, head: Buffer) =>
    upgrade(routes, request, { socket: socket as Socket, head }),
  );
  return {
    async close() {
      await close(server);
      for (const route of routes.values()) await route.close?.();
    },
  };
}

async function startRoutes(options: WebServerOptions): Promise<ReadonlyMap<string, WebRoute>> {
  const container = { ...options, timeoutMs: options.spec.options.timeoutMs ?? DEFAULTS.timeoutMs };
  const routes = new Map<string, WebRoute>();
  // In turn: the code of one class may count on it.
  for (const method of options.spec.methods) {
    if (method.web) routes.set(method.name, await startRoute({ ...method, web: method.web }, container));
  }
  return routes;
}

async function startRoute(
  method: MethodSpec & { web: WebSpec },
  container: WebServerOptions & WebContainer,
): Promise<WebRoute> {
  const { web, name } = method;
  switch (web.type) {
    case 'endpoint': {
      const resolveHandler = () => container.resolveHandler(name);
      return new EndpointRoute({ spec: container.spec, method, web, container, resolveHandler });
    }
    case 'asgi':
      return FetchRoute.start(await container.makeApp(name), container);
    case 'wsgi':
      return ListenerRoute.start(await container.makeApp(name), container);
    case 'server': {
      const place = await startProgram(web, () => container.makeApp(name));
      return new PortRoute(new ListeningProgram(place, container.onLost), container);
    }
  }
}

function serve(
  routes: ReadonlyMap<string, WebRoute>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const route = routes.get(takeMethod(request));
  if (route) route.serve(request, response);
  else sendJson(response, 404, { body: { detail: 'Not Found' } });
}

/** Only WebSockets come here: the gateway lets nothing else through. */
function upgrade(
  routes: ReadonlyMap<string, WebRoute>,
  request: IncomingMessage,
  connection: { socket: Socket; head: Buffer },
): void {
  const { socket } = connection;
  socket.on('error', () => socket.destroy());
  const route = routes.get(takeMethod(request));
  if (route?.upgrade) return route.upgrade(request, connection);
  const response = answerOn(request, socket);
  if (route) route.serve(request, response);
  else sendJson(response, 404, { body: { detail: 'Not Found' } });
}

/** What the gateway says to the runner is of no interest to apps. */
function takeMethod({ headers, rawHeaders }: IncomingMessage): string {
  const name = String(headers['gantry-method'] ?? '');
  delete headers['gantry-method'];
  const at = rawHeaders.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === 'gantry-method');
  if (at >= 0) rawHeaders.splice(at, 2);
  return name;
}

async function close(server: Server): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
  return new Promise((resolve) => {
    // A kept connection becomes idle when its last request ends, of which the server tells nobody.
    const timer = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
    server.close(() => {
      clearInterval(timer);
      resolve();
    });
  });
}
