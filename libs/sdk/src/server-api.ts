import {
  AuthError,
  ConnectionError,
  ERROR_CODES,
  fromWireError,
  InternalFailure,
  NotFoundError,
  type AppSummary,
  type ErrorCode,
  type FunctionLookup,
  type HelloReply,
  type ProblemDetails,
} from '@gantry/protocol';

import type { ConnectionSettings } from './connection-settings.ts';
import type { BlobTransfer } from './payloads.ts';

const ATTEMPTS = 4;
const FIRST_RETRY_DELAY_MS = 100;

interface RequestParts {
  readonly method?: string;
  readonly body?: Uint8Array;
  readonly attempts?: number;
}

/** The part of the server's HTTP API that programs need, with errors as `GantryError`. */
export class ServerApi implements BlobTransfer {
  readonly #settings: ConnectionSettings;

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  /** @param attempts - How often an unreachable server is asked. */
  async hello(attempts = ATTEMPTS): Promise<HelloReply> {
    const response = await this.#request('/v1/hello', { attempts });
    return (await response.json()) as HelloReply;
  }

  async lookupApp(app: string, environment: string): Promise<AppSummary> {
    return this.#json<AppSummary>(`/v1/apps/${encodeURIComponent(app)}?${query(environment)}`);
  }

  async createApp(app: string, environment: string): Promise<AppSummary> {
    const path = `/v1/apps/${encodeURIComponent(app)}?${query(environment)}`;
    return (await (await this.#request(path, { method: 'PUT' })).json()) as AppSummary;
  }

  async lookupFunction(app: string, name: string, environment: string): Promise<FunctionLookup> {
    const path = `/v1/apps/${encodeURIComponent(app)}/functions/${encodeURIComponent(name)}`;
    return this.#json<FunctionLookup>(`${path}?${query(environment)}`);
  }

  async put(digest: string, bytes: Uint8Array): Promise<void> {
    await this.#request(`/v1/blobs/${digest}`, { method: 'PUT', body: bytes });
  }

  async get(digest: string): Promise<Uint8Array> {
    const response = await this.#request(`/v1/blobs/${digest}`, {});
    return new Uint8Array(await response.arrayBuffer());
  }

  async #json<T>(path: string): Promise<T> {
    const response = await this.#request(path, {});
    return (await response.json()) as T;
  }

  // Every request here may be repeated without harm, so a server that restarts is waited for.
  async #request(path: string, parts: RequestParts): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(path, parts);
      } catch (error) {
        if (!(error instanceof ConnectionError) || attempt >= (parts.attempts ?? ATTEMPTS)) throw error;
        await new Promise((resolve) => setTimeout(resolve, FIRST_RETRY_DELAY_MS * 2 ** (attempt - 1)));
      }
    }
  }

  async #attempt(path: string, parts: RequestParts): Promise<Response> {
    const { serverUrl, token } = this.#settings;
    const init: RequestInit = {
      method: parts.method ?? 'GET',
      headers: { authorization: `Bearer ${token}` },
    };
    if (parts.body) init.body = parts.body as Uint8Array<ArrayBuffer>;
    let response: Response;
    try {
      response = await fetch(serverUrl + path, init);
    } catch (cause) {
      throw unreachable(serverUrl, cause);
    }
    if (response.ok) return response;
    throw await toError(response, path);
  }
}

/** The server does not answer at all. */
export function unreachable(serverUrl: string, cause?: unknown): ConnectionError {
  return new ConnectionError(`the server "${serverUrl}" cannot be reached`, {
    hint: 'Start the platform: gantry up',
    cause,
  });
}

function query(environment: string): string {
  return new URLSearchParams({ environment }).toString();
}

async function toError(response: Response, path: string): Promise<Error> {
  const problem = (await response.json().catch(() => ({}))) as Partial<ProblemDetails>;
  const message = problem.message ?? problem.title ?? `the server answered ${response.status} to "${path}"`;
  if (problem.name !== undefined && isCode(problem.code)) {
    const { name, code, hint, details } = problem;
    return fromWireError({ name, code, message, hint, details });
  }
  if (response.status === 401 || response.status === 403) {
    return new AuthError(message, { hint: 'Check GANTRY_TOKEN, or start the platform: gantry up' });
  }
  if (response.status === 404) return new NotFoundError(message);
  return new InternalFailure(message, { hint: 'Try again, and look at the log of the Gantry server.' });
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
}
