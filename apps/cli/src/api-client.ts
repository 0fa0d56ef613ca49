import {
  AuthError,
  ConnectionError,
  fromWireError,
  InternalFailure,
  type AppInterface,
  type AppSummary,
  type BrowserCodeReply,
  type BuilderReply,
  type ChangeEnvironmentRequest,
  type ContainerSummary,
  type DeploymentSummary,
  type DeployReply,
  type DeployRequest,
  type HelloReply,
  type ImageBuildEvent,
  type DomainSummary,
  type EnvironmentContents,
  type EnvironmentReport,
  type EnvironmentSummary,
  type LogEntry,
  type NewEnvironmentRequest,
  type NewProxyTokenReply,
  type NewTokenReply,
  type ProxyTokenSummary,
  type ProblemDetails,
  type ScheduleSummary,
  type RollbackRequest,
  type SaveSecretRequest,
  type SecretSummary,
  type TokenSummary,
  type UsagePeriod,
  type UsageReport,
} from '@gantry/protocol';
import type { Connection } from 'gantry/internal';

import { followLog, toEntries } from './follow-log.ts';
import { readLines } from './read-lines.ts';

interface RequestOptions {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: Uint8Array | string;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** Which log entries. With `follow`, new ones come as they are written. */
export interface LogQuery {
  follow?: boolean;
  sinceMs?: number | undefined;
  signal?: AbortSignal;
}

/** The control API, as far as the CLI needs it. */
export class ApiClient {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  hello(): Promise<HelloReply> {
    return this.#json('/v1/hello');
  }

  async hasBlob(digest: string): Promise<boolean> {
    const response = await this.#send(`/v1/blobs/${digest}`, { method: 'HEAD' });
    if (response.status === 404) return false;
    await this.#assertOk(response);
    return true;
  }

  async putBlob(digest: string, bytes: Uint8Array): Promise<void> {
    const headers = { 'content-type': 'application/octet-stream' };
    await this.#assertOk(await this.#send(`/v1/blobs/${digest}`, { method: 'PUT', body: bytes, headers }));
  }

  deploy(request: Omit<DeployRequest, 'environment'>): Promise<DeployReply> {
    const body: DeployRequest = { ...request, environment: this.#connection.environment };
    const headers = { 'content-type': 'application/json' };
    return this.#json('/v1/deployments', { method: 'POST', body: JSON.stringify(body), headers });
  }

  /** Builds the images that a deploy needs, and tells how it goes. */
  async *buildImages(
    request: Omit<DeployRequest, 'environment'>,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<ImageBuildEvent> {
    const body: DeployRequest = { ...request, environment: this.#connection.environment };
    const headers = { 'content-type': 'application/json' };
    const options = { method: 'POST', body: JSON.stringify(body), headers, signal } as const;
    const response = await this.#send('/v1/images', options);
    await this.#assertOk(response);
    if (!response.body) return;
    try {
      for await (const line of readLines(response.body)) {
        if (line.trim() !== '') yield JSON.parse(line) as ImageBuildEvent;
      }
    } catch (cause) {
      signal?.throwIfAborted();
      throw new ConnectionError('the connection to the Gantry server broke while it built images', {
        cause,
        hint: 'See that the server runs, and deploy again: steps that were done are kept.',
      });
    }
  }

  async listApps(): Promise<AppSummary[]> {
    return (await this.#json<{ apps: AppSummary[] }>(this.#inEnvironment('/v1/apps'))).apps;
  }

  findApp(app: string): Promise<AppSummary> {
    return this.#json(this.#inEnvironment(`/v1/apps/${encodeURIComponent(app)}`));
  }

  stopApp(app: string): Promise<AppSummary> {
    const path = this.#inEnvironment(`/v1/apps/${encodeURIComponent(app)}/stop`);
    return this.#json(path, { method: 'POST' });
  }

  async appHistory(app: string): Promise<DeploymentSummary[]> {
    const path = this.#inEnvironment(`/v1/apps/${encodeURIComponent(app)}/deployments`);
    return (await this.#json<{ deployments: DeploymentSummary[] }>(path)).deployments;
  }

  appInterface(app: string): Promise<AppInterface> {
    return this.#json(this.#inEnvironment(`/v1/apps/${encodeURIComponent(app)}/interface`));
  }

  rollbackApp(app: string, request: RollbackRequest): Promise<DeployReply> {
    const path = this.#inEnvironment(`/v1/apps/${encodeURIComponent(app)}/rollback`);
    const headers = { 'content-type': 'application/json' };
    return this.#json(path, { method: 'POST', body: JSON.stringify(request), headers });
  }

  async listSchedules(app: string, runs: number): Promise<ScheduleSummary[]> {
    const path = `${this.#inEnvironment(`/v1/apps/${encodeURIComponent(app)}/schedules`)}&runs=${runs}`;
    return (await this.#json<{ schedules: ScheduleSummary[] }>(path)).schedules;
  }

  usage({ fromMs, toMs, per }: { fromMs: number; toMs: number; per: UsagePeriod }): Promise<UsageReport> {
    return this.#json(`${this.#inEnvironment('/v1/usage')}&from=${fromMs}&to=${toMs}&per=${per}`);
  }

  runNow(app: string, name: string): Promise<{ callId: string }> {
    const path = `/v1/apps/${encodeURIComponent(app)}/functions/${encodeURIComponent(name)}/run`;
    return this.#json(this.#inEnvironment(path), { method: 'POST' });
  }

  async listSecrets(): Promise<SecretSummary[]> {
    return (await this.#json<{ secrets: SecretSummary[] }>(this.#inEnvironment('/v1/secrets'))).secrets;
  }

  saveSecret(name: string, request: SaveSecretRequest): Promise<SecretSummary> {
    const path = this.#inEnvironment(`/v1/secrets/${encodeURIComponent(name)}`);
    const headers = { 'content-type': 'application/json' };
    return this.#json(path, { method: 'PUT', body: JSON.stringify(request), headers });
  }

  deleteSecret(name: string): Promise<SecretSummary> {
    return this.#json(this.#inEnvironment(`/v1/secrets/${encodeURIComponent(name)}`), { method: 'DELETE' });
  }

  async listEnvironments(): Promise<EnvironmentSummary[]> {
    return (await this.#json<{ environments: EnvironmentSummary[] }>('/v1/environments')).environments;
  }

  /** @param name @defaultValue that of the connection */
  findEnvironment(name = this.#connection.environment): Promise<EnvironmentSummary> {
    return this.#json(`/v1/environments/${encodeURIComponent(name)}`);
  }

  environmentContents(name: string): Promise<EnvironmentContents> {
    return this.#json(`/v1/environments/${encodeURIComponent(name)}/contents`);
  }

  createEnvironment(request: NewEnvironmentRequest): Promise<EnvironmentSummary> {
    const headers = { 'content-type': 'application/json' };
    return this.#json('/v1/environments', { method: 'POST', body: JSON.stringify(request), headers });
  }

  updateEnvironment(name: string, request: ChangeEnvironmentRequest): Promise<EnvironmentSummary> {
    const headers = { 'content-type': 'application/json' };
    const path = `/v1/environments/${encodeURIComponent(name)}`;
    return this.#json(path, { method: 'PATCH', body: JSON.stringify(request), headers });
  }

  deleteEnvironment(name: string): Promise<EnvironmentReport> {
    return this.#json(`/v1/environments/${encodeURIComponent(name)}`, { method: 'DELETE' });
  }

  imageBuilder(): Promise<BuilderReply> {
    return this.#json('/v1/image-builder');
  }

  chooseBuilder(version: number): Promise<BuilderReply> {
    const headers = { 'content-type': 'application/json' };
    return this.#json('/v1/image-builder', { method: 'PUT', body: JSON.stringify({ version }), headers });
  }

  async listTokens(): Promise<TokenSummary[]> {
    return (await this.#json<{ tokens: TokenSummary[] }>('/v1/tokens')).tokens;
  }

  newToken(name: string): Promise<NewTokenReply> {
    const headers = { 'content-type': 'application/json' };
    return this.#json('/v1/tokens', { method: 'POST', body: JSON.stringify({ name }), headers });
  }

  newBrowserCode(): Promise<BrowserCodeReply> {
    return this.#json('/v1/browser/codes', { method: 'POST' });
  }

  async listDomains(): Promise<DomainSummary[]> {
    return (await this.#json<{ domains: DomainSummary[] }>('/v1/domains')).domains;
  }

  addDomain(name: string, options: { trusted: boolean }): Promise<DomainSummary> {
    const headers = { 'content-type': 'application/json' };
    return this.#json('/v1/domains', { method: 'POST', body: JSON.stringify({ name, ...options }), headers });
  }

  verifyDomain(name: string): Promise<DomainSummary> {
    return this.#json(`/v1/domains/${encodeURIComponent(name)}/verify`, { method: 'POST' });
  }

  removeDomain(name: string): Promise<DomainSummary> {
    return this.#json(`/v1/domains/${encodeURIComponent(name)}`, { method: 'DELETE' });
  }

  async listProxyTokens(): Promise<ProxyTokenSummary[]> {
    return (await this.#json<{ tokens: ProxyTokenSummary[] }>('/v1/proxy-tokens')).tokens;
  }

  newProxyToken(name: string): Promise<NewProxyTokenReply> {
    const headers = { 'content-type': 'application/json' };
    return this.#json('/v1/proxy-tokens', { method: 'POST', body: JSON.stringify({ name }), headers });
  }

  revokeProxyToken(id: string): Promise<ProxyTokenSummary> {
    return this.#json(`/v1/proxy-tokens/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }

  revokeToken(name: string): Promise<TokenSummary> {
    return this.#json(`/v1/tokens/${encodeURIComponent(name)}`, { method: 'DELETE' });
  }

  async listContainers(): Promise<ContainerSummary[]> {
    const reply = await this.#json<{ containers: ContainerSummary[] }>(this.#inEnvironment('/v1/containers'));
    return reply.containers;
  }

  async stopContainer(containerId: string, kill: boolean): Promise<void> {
    const path = `/v1/containers/${encodeURIComponent(containerId)}/stop${kill ? '?kill=1' : ''}`;
    await this.#json(path, { method: 'POST' });
  }

  /** Log entries of an app, oldest first. With `follow` it ends when the app or `signal` does. */
  readLogs(app: string, options: LogQuery): AsyncGenerator<LogEntry> {
    return this.#readLogs(`/v1/apps/${encodeURIComponent(app)}/logs`, options);
  }

  /** The same of one container. */
  readContainerLogs(containerId: string, options: LogQuery): AsyncGenerator<LogEntry> {
    return this.#readLogs(`/v1/containers/${encodeURIComponent(containerId)}/logs`, options);
  }

  #readLogs(path: string, options: LogQuery): AsyncGenerator<LogEntry> {
    return followLog((from) => this.#openLog(path, options, from), options);
  }

  async #openLog(
    path: string,
    { follow, sinceMs, signal }: LogQuery,
    from: number | undefined,
  ): Promise<AsyncIterable<LogEntry>> {
    const query = new URLSearchParams({ environment: this.#connection.environment });
    if (follow) query.set('follow', '1');
    if (from !== undefined) query.set('from', String(from));
    else if (sinceMs !== undefined) query.set('since', String(sinceMs));
    const response = await this.#send(`${path}?${query}`, { signal });
    await this.#assertOk(response);
    return toEntries(response.body);
  }

  #inEnvironment(path: string): string {
    return `${path}?environment=${encodeURIComponent(this.#connection.environment)}`;
  }

  async #json<TReply>(path: string, options: RequestOptions = {}): Promise<TReply> {
    const response = await this.#send(path, options);
    await this.#assertOk(response);
    return (await response.json()) as TReply;
  }

  async #send(path: string, options: RequestOptions): Promise<Response> {
    const { serverUrl, token } = this.#connection;
    const { method = 'GET', body, signal } = options;
    const headers = { ...options.headers, authorization: `Bearer ${token}` };
    const init: RequestInit = { method, headers };
    if (body !== undefined) init.body = body as NonNullable<RequestInit['body']>;
    if (signal) init.signal = signal;
    try {
      return await fetch(serverUrl + path, init);
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw new ConnectionError(`the Gantry server at "${serverUrl}" cannot be reached`, {
        cause,
        hint: 'Start the platform with "gantry up", or check GANTRY_SERVER_URL.',
      });
    }
  }

  async #assertOk(response: Response): Promise<void> {
    if (response.ok) return;
    const problem = await readProblem(response);
    if (problem) throw fromWireError({ ...problem, hint: problem.hint });
    if (response.status === 401) {
      throw new AuthError('the server does not accept this token', { hint: 'Check GANTRY_TOKEN.' });
    }
    throw new InternalFailure(`the server answered ${response.status} to ${new URL(response.url).pathname}`, {
      hint: 'Check with "gantry doctor" that GANTRY_SERVER_URL is a Gantry server.',
    });
  }
}

async function readProblem(response: Response): Promise<ProblemDetails | undefined> {
  try {
    const body = (await response.json()) as ProblemDetails;
    return typeof body.code === 'string' && typeof body.message === 'string' ? body : undefined;
  } catch {
    return undefined;
  }
}
