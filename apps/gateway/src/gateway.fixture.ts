import { once } from 'node:events';
import { request as httpsRequest, Agent, type RequestOptions } from 'node:https';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { createHash } from 'node:crypto';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { openBlobStore } from '@gantry/blobs';
import { ContainerSocket, startWebServer, type WebHandler } from '@gantry/runner/web';
import {
  InternalFailure,
  newId,
  poolKey,
  registryKeys,
  subjects,
  type ClassParameters,
  type ContainerStatus,
  type DemandMessage,
  type FunctionRecord,
  type LogEntry,
  type MethodSpec,
  type RouteRecord,
  type WebSpec,
  type WorkerStatus,
  WORKER_HEARTBEAT_MS,
} from '@gantry/protocol';
import { KeyRing } from '@gantry/secrets';
import { createLogger } from '@gantry/telemetry';
import { temporaryDirectory } from '@gantry/testing';

import { openGateway, type GatewayMessaging, type RunningGateway } from './composition-root.ts';
import { MemoryRegistry } from './memory-registry.fixture.ts';
import type {
  ServedFunction,
  TestAnswer,
  TestAsk,
  TestContainer,
  TestEndpoint,
  TestFunction,
  TestFunctionOptions,
  TestPlatformOptions,
} from './gateway-types.fixture.ts';
import type { FunctionSource } from './routing/function-source.ts';

const DOMAIN = 'gantry.localhost';
const SITE = { file: 'app.ts', line: 1 };

function toWebSpec(web: TestEndpoint['web'] = {}): WebSpec {
  const { type = 'endpoint' } = web;
  return type === 'endpoint' ? { type, method: 'GET', docs: false, ...(web as object) } : (web as WebSpec);
}

/** A gateway with real TLS and real containers' web servers; the registry and the workers are played. */
export class TestPlatform {
  readonly demands: DemandMessage[] = [];
  readonly #cleanup = new AsyncDisposableStack();
  readonly #records = new Map<string, FunctionRecord>();
  readonly #functionListeners = new Set<Parameters<FunctionSource['onChange']>[0]>();
  /** What servers, workers and gateways would keep in NATS. */
  readonly registry = new MemoryRegistry();
  readonly alive = new Set<string>();
  /** What gateways wrote into logs of apps. */
  readonly logged: (LogEntry & { appId: string; under: string })[] = [];
  readonly #containers = new Map<string, ContainerStatus>();
  readonly #statusListeners = new Set<(status: WorkerStatus) => void>();
  readonly #secretsKey = KeyRing.newKey();
  readonly #options: TestPlatformOptions;
  #agent = new Agent();
  /** What the gateway's rate limit does with a request. */
  admitRequest: () => void = () => undefined;
  gateway!: RunningGateway;
  dataDir!: string;
  ca!: string;

  constructor(options: TestPlatformOptions) {
    this.#options = options;
  }

  static async start(options: TestPlatformOptions = {}): Promise<TestPlatform> {
    const platform = new TestPlatform(options);
    platform.dataDir = platform.#cleanup.use(await temporaryDirectory()).path;
    await platform.startGateway();
    platform.#cleanup.defer(() => platform.gateway.stop());
    const heartbeat = setInterval(() => platform.broadcast(), WORKER_HEARTBEAT_MS);
    platform.#cleanup.defer(() => clearInterval(heartbeat));
    return platform;
  }

  async startGateway(): Promise<void> {
    this.gateway = await this.#openGateway(this.dataDir);
    this.ca = await readFile(this.gateway.caPath, 'utf8');
    this.#agent.destroy();
    this.#agent = new Agent({ ca: this.ca, keepAlive: true });
  }

  /** Another gateway of the same platform; ended with it. */
  async startSecondGateway(): Promise<RunningGateway> {
    const folder = join(this.dataDir, 'second');
    await cp(join(this.dataDir, 'ca'), join(folder, 'ca'), { recursive: true });
    const gateway = await this.#openGateway(folder, this.#options.httpPort === undefined ? undefined : 0);
    this.#cleanup.defer(() => gateway.stop());
    return gateway;
  }

  async #openGateway(dataDir: string, httpPort = this.#options.httpPort): Promise<RunningGateway> {
    const blobs = { type: 'disk' as const, path: join(this.dataDir, 'blobs') };
    return await openGateway({
      config: {
        natsUrl: '',
        dataDir,
        blobs,
        webWaitMs: this.#options.webWaitMs,
        stallMs: this.#options.stallMs,
        certificates: this.#options.certificates,
        acme: this.#options.acme,
        httpPort,
        secretsKey: this.#secretsKey,
        drainMs: this.#options.drainMs ?? 5_000,
        host: '127.0.0.1',
        port: dataDir === this.dataDir ? (this.#options.port ?? 0) : 0,
        domain: DOMAIN,
        workspace: 'local',
        log: createLogger({ name: 'gateway', level: 'silent' }),
      },
      messaging: this.#messaging(),
      blobs: await openBlobStore(blobs),
      functions: {
        get: (id) => this.#records.get(id),
        onChange: (listener) => {
          this.#functionListeners.add(listener);
          return { stop: () => void this.#functionListeners.delete(listener) };
        },
      },
    });
  }

  get httpPort(): number | undefined {
    return this.#options.httpPort;
  }

  get port(): number {
    return Number(new URL(this.gateway.url).port);
  }

  /** Registers a function with one endpoint and its route. */
  deploy(endpoint: TestEndpoint, options: TestFunctionOptions = {}): TestFunction {
    const id = options.of?.record.id ?? newId('fu');
    const method: MethodSpec = {
      name: endpoint.name ?? '',
      handlerKind: 'async',
      callable: true,
      params: endpoint.params ?? [],
      web: toWebSpec(endpoint.web),
      site: SITE,
    };
    const record: FunctionRecord = {
      id,
      appId: 'ap-test',
      appName: 'shop',
      environment: 'main',
      version: options.version ?? 1,
      spec: {
        name: 'checkout',
        kind: 'function',
        site: SITE,
        options: {
          startupTimeoutMs: options.startupTimeoutMs ?? 60_000,
          timeoutMs: options.timeoutMs ?? 5_000,
          maxInputs: options.maxInputs,
        },
        methods: [method],
        parameters: options.parameters ?? [],
        hooks: { enter: [], exit: [] },
      },
      bundle: { digest: 'sha256-0', sizeBytes: 0 },
      sourceMap: { digest: 'sha256-0', sizeBytes: 0 },
      urls: {},
    };
    const host = options.of?.host ?? `local--shop-${id.slice(-8).toLowerCase()}.${DOMAIN}`;
    this.setRecord(record);
    this.setRoute({
      host,
      functionId: id,
      appId: 'ap-test',
      method: method.name,
      ephemeral: false,
      createdAtMs: 0,
    });
    return { record, host, endpoint };
  }

  setRecord(record: FunctionRecord): void {
    this.#records.set(record.id, record);
    for (const listener of this.#functionListeners) listener({ functionId: record.id, record });
  }

  /** Makes a proxy token known, or no longer known. */
  setProxyToken(id: string, secret: string | undefined): void {
    const digest = createHash('sha256')
      .update(secret ?? '')
      .digest('hex');
    const value = secret === undefined ? undefined : { id, name: 'test', digest, createdAtMs: 0 };
    this.registry.set(registryKeys.proxyToken(id), value);
  }

  setRoute(route: RouteRecord): void {
    this.registry.set(registryKeys.route(route.host), route);
  }

  /** Deploys a function, and starts a container of it. */
  async serve(endpoint: TestEndpoint, options?: TestFunctionOptions): Promise<ServedFunction> {
    const deployed = this.deploy(endpoint, options);
    const container = await this.startContainer(deployed);
    this.report(container.status);
    return { ...deployed, container };
  }

  /** Starts the web server of a container; nobody knows of it before `report`. */
  async startContainer(
    { record, endpoint }: TestFunction,
    parameters: ClassParameters = {},
  ): Promise<TestContainer> {
    const containerId = newId('ta');
    const socketPath = join(this.dataDir, `${containerId.slice(-10)}.sock`);
    const handler: WebHandler = {
      paramTypes: [],
      call: (args) => (endpoint.run as (...args: unknown[]) => unknown)(...args),
    };
    const server = await startWebServer({
      socket: new ContainerSocket(socketPath),
      spec: record.spec,
      resolveHandler: () => handler,
      admit: async () => () => undefined,
      onUnexpectedError: () => undefined,
      makeApp: () => handler.call([]),
      onLost: () => undefined,
      runAs: (_input, work) => work(),
    });
    const container: TestContainer = {
      status: {
        containerId,
        pool: await poolKey(record.id, parameters),
        functionId: record.id,
        appId: record.appId,
        version: record.version,
        state: 'ready',
        running: 0,
        maxInputs: record.spec.options.maxInputs ?? 1,
        startedAtMs: 0,
        httpSocketPath: socketPath,
      },
      close: () => server.close(),
    };
    this.#cleanup.defer(() => server.close());
    return container;
  }

  /** Says how a container is, as its worker would. */
  report(status: ContainerStatus): void {
    this.#containers.set(status.containerId, status);
    this.broadcast();
  }

  broadcast(): void {
    const status: WorkerStatus = {
      workerId: 'wk-test',
      hostname: 'here',
      startedAtMs: 1,
      draining: false,
      capacity: { cpu: 2, memoryMiB: 1024 },
      containers: [...this.#containers.values()],
    };
    for (const listener of this.#statusListeners) listener(status);
  }

  /** A request with the certificate verified. */
  open(host: string, ask: TestAsk = {}): ClientRequest {
    const options: RequestOptions = {
      host: '127.0.0.1',
      port: ask.port ?? this.port,
      servername: host,
      agent: this.#agent,
      method: ask.verb ?? 'GET',
      path: ask.path ?? '/',
      headers: { host: `${host}:${ask.port ?? this.port}`, ...ask.headers },
    };
    return httpsRequest(options);
  }

  /** An answer whose body is still to come. */
  async openAnswer(host: string, ask?: TestAsk): Promise<IncomingMessage> {
    const request = this.open(host, ask);
    request.on('error', () => undefined);
    request.end(ask?.body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response;
  }

  async ask(host: string, ask: TestAsk = {}): Promise<TestAnswer> {
    const response = await this.openAnswer(host, ask);
    const body = await text(response);
    const isJson = response.headers['content-type']?.includes('json') && body !== '';
    return {
      status: response.statusCode,
      headers: response.headers,
      body,
      json: isJson ? (JSON.parse(body) as unknown) : undefined,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.#cleanup.disposeAsync();
  }

  #messaging(): GatewayMessaging {
    return {
      publish: (subject, message) => {
        if (subject === subjects.demand) this.demands.push(message as DemandMessage);
      },
      subscribe: (_subject, listener) => {
        const own = listener as (status: WorkerStatus) => void;
        this.#statusListeners.add(own);
        return { stop: () => void this.#statusListeners.delete(own) };
      },
      // Its worker and its NATS are played, too: there are no tunnels, and no other machines.
      request: () => Promise.reject(new InternalFailure('nobody is there')),
      respond: () => ({ stop: () => undefined }),
      rate: { admit: () => this.admitRequest(), close: () => undefined },
      registry: this.registry,
      logs: {
        append: async (appId, containerId, { entries }) => {
          for (const entry of entries) this.logged.push({ appId, under: containerId, ...entry });
        },
      },
      leases: {
        touch: async (key) => void this.alive.add(key),
        alive: async () => this.alive,
      },
    };
  }
}
