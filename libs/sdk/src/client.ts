import {
  assertName,
  ClientClosedError,
  DEFAULTS,
  HANDLE,
  type AppSummary,
  type FunctionLookup,
  type GantryError,
  type HelloReply,
  type SecretSummary,
} from '@gantry/protocol';

import { CallTracker } from './call-tracker.ts';
import { assertServerUrl, findConnection, type ConnectionSettings } from './connection-settings.ts';
import { BlobPayloads } from './payloads.ts';
import { LookupCache, type ObjectApi, type Platform } from './platform.ts';
import { ServerApi } from './server-api.ts';
import { SessionTransport } from './session-transport.ts';

export interface ClientOptions {
  /** Such as `http://127.0.0.1:7400`. */
  serverUrl: string;
  token: string;
  /** Where names are looked up. @defaultValue 'main' */
  environment?: string;
}

let defaultClient: Client | undefined;

/**
 * A connection to a Gantry server. Programs rarely make one: handles use `Client.default()`.
 *
 * It connects at the first call and reconnects by itself. An idle client does not keep the program alive; open
 * calls do.
 *
 * @example
 * ```ts
 * await using client = new Client({ serverUrl: 'https://gantry.example.org', token });
 * const square = RemoteFunction.fromName<(x: number) => number>('maths', 'square', { client });
 * ```
 */
export class Client implements AsyncDisposable {
  readonly serverUrl: string;
  readonly environment: string;
  readonly #api: ServerApi;
  readonly #transport: SessionTransport;
  readonly #platform: ClientPlatform;

  /** @throws {@link InvalidError} if the server's URL or the environment's name is not valid. */
  constructor(options: ClientOptions) {
    const { token, environment = DEFAULTS.environment } = options;
    assertName('environment', environment);
    this.serverUrl = assertServerUrl(options.serverUrl);
    this.environment = environment;
    const settings: ConnectionSettings = { serverUrl: this.serverUrl, token, environment };
    this.#api = new ServerApi(settings);
    this.#transport = new SessionTransport({
      url: `${this.serverUrl.replace(/^http/, 'ws')}/v1/session`,
      token,
      diagnose: () => this.#diagnose(),
    });
    this.#platform = new ClientPlatform(this.#api, this.#transport, environment);
  }

  /**
   * The client of this program, from the environment variables `GANTRY_SERVER_URL`, `GANTRY_TOKEN` and
   * `GANTRY_ENVIRONMENT`, else from the active profile, else from what `gantry up` wrote on this machine.
   *
   * @throws {@link ConnectionError} or {@link AuthError} if neither says which server, or as whom.
   */
  static default(): Client {
    if (defaultClient === undefined || defaultClient.closed) {
      defaultClient = new Client(findConnection(process.env));
    }
    return defaultClient;
  }

  get closed(): boolean {
    return this.#platform.closed;
  }

  /** @internal */
  get platform(): Platform {
    this.#assertOpen();
    return this.#platform;
  }

  /**
   * Asks the server who it is.
   *
   * @throws {@link ConnectionError} if it cannot be reached, {@link AuthError} if it refuses the token.
   */
  async hello(): Promise<HelloReply> {
    this.#assertOpen();
    return this.#api.hello();
  }

  /** @throws {@link NotFoundError} if there is no app of this name or id. */
  async lookupApp(app: string, environment = this.environment): Promise<AppSummary> {
    this.#assertOpen();
    return this.#api.lookupApp(app, environment);
  }

  /** Like {@link lookupApp}, but an app that is missing is made, without functions. */
  async createApp(app: string, environment = this.environment): Promise<AppSummary> {
    this.#assertOpen();
    return this.#api.createApp(app, environment);
  }

  /** @internal */
  async lookupSecret(name: string, environment = this.environment): Promise<SecretSummary> {
    this.#assertOpen();
    return this.#api.lookupSecret(name, environment);
  }

  /** Keeps an ephemeral app running until the returned function is called or the client is closed. */
  holdApp(appId: string): () => void {
    return this.platform.tracker.hold(appId);
  }

  /** @internal A client holds a token, which must not travel. */
  [HANDLE](): null {
    return null;
  }

  /** Ends the session; what is still open fails with `ClientClosedError`, and goes on remotely. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.#platform.closed = true;
    this.#platform.tracker.onFailure(closedError(this.serverUrl));
    this.#transport.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #assertOpen(): void {
    if (this.closed) throw closedError(this.serverUrl);
  }

  async #diagnose(): Promise<GantryError | undefined> {
    try {
      await this.#api.hello(1);
      return undefined;
    } catch (error) {
      return error as GantryError;
    }
  }
}

class ClientPlatform implements Platform {
  closed = false;
  readonly tracker: CallTracker;
  readonly objects: ObjectApi;
  readonly #lookups: LookupCache;
  readonly environment: string;

  constructor(api: ServerApi, transport: SessionTransport, environment: string) {
    this.tracker = new CallTracker(transport, new BlobPayloads(api));
    this.objects = api;
    this.environment = environment;
    this.#lookups = new LookupCache((app, name, where = environment) => api.lookupFunction(app, name, where));
  }

  lookup(app: string, name: string, environment = this.environment): Promise<FunctionLookup> {
    return this.#lookups.lookup(app, name, environment);
  }

  forgetLookup(): void {
    this.#lookups.clear();
  }

  currentInputId(): undefined {
    return undefined;
  }
}

function closedError(serverUrl: string): ClientClosedError {
  return new ClientClosedError(`the client of "${serverUrl}" is closed`, { hint: 'Make a new client.' });
}
