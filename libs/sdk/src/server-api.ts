import {
  AuthError,
  ConnectionError,
  fromWireError,
  InternalFailure,
  isErrorCode,
  isGantryError,
  NotFoundError,
  type AppSummary,
  type FunctionLookup,
  type HelloReply,
  type ProblemDetails,
  type SecretSummary,
  type ValueReply,
} from '@gantry/protocol';

import type { ConnectionSettings } from './connection-settings.ts';
import type { ValueTransfer } from './payloads.ts';
import type { ObjectApi } from './platform.ts';

const ATTEMPTS = 4;
const FIRST_RETRY_DELAY_MS = 100;
const LONGEST_RETRY_DELAY_MS = 1_000;
/** Nothing heard for so long, and a connection is given up: its other end may be gone without a word. */
const SILENCE_MS = 10_000;
/** What the server has to do before it answers, such as storing a blob. */
const BYTES_PER_MS = 1_000;
/** How long a server that has answered before is waited for. */
const PATIENCE_MS = 30_000;

interface RequestParts {
  readonly method?: string;
  readonly body?: Uint8Array;
  readonly attempts?: number;
}

/** The part of the server's HTTP API that programs need, with errors as `GantryError`. */
export class ServerApi implements ValueTransfer, ObjectApi {
  readonly #settings: ConnectionSettings;
  #hasAnswered = false;

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  /** @param attempts - How often an unreachable server is asked. */
  async hello(attempts = ATTEMPTS): Promise<HelloReply> {
    return this.#json<HelloReply>('/v1/hello', { attempts });
  }

  async lookupApp(app: string, environment: string): Promise<AppSummary> {
    return this.#json<AppSummary>(`/v1/apps/${encodeURIComponent(app)}?${query(environment)}`);
  }

  async createApp(app: string, environment: string): Promise<AppSummary> {
    const path = `/v1/apps/${encodeURIComponent(app)}?${query(environment)}`;
    return this.#json<AppSummary>(path, { method: 'PUT' });
  }

  async lookupFunction(app: string, name: string, environment: string): Promise<FunctionLookup> {
    const path = `/v1/apps/${encodeURIComponent(app)}/functions/${encodeURIComponent(name)}`;
    return this.#json<FunctionLookup>(`${path}?${query(environment)}`);
  }

  async lookupSecret(name: string, environment: string): Promise<SecretSummary> {
    return this.#json<SecretSummary>(`/v1/secrets/${encodeURIComponent(name)}?${query(environment)}`);
  }

  async putValue(digest: string, bytes: Uint8Array): Promise<string> {
    return (await this.#json<ValueReply>(`/v1/values/${digest}`, { method: 'PUT', body: bytes })).blob;
  }

  async getValue(name: string): Promise<Uint8Array> {
    return this.#request(`/v1/blobs/${name}`, {});
  }

  async json<T>(path: string, { method, body }: { method?: string; body?: unknown } = {}): Promise<T> {
    const bytes = body === undefined || body instanceof Uint8Array ? body : utf8(JSON.stringify(body));
    return this.#json<T>(path, { ...(method !== undefined && { method }), ...(bytes && { body: bytes }) });
  }

  async *stream(path: string): AsyncGenerator<Uint8Array> {
    const silence = new SilenceWatch(SILENCE_MS);
    try {
      const response = await this.#fetch(path, {}, silence.signal);
      for await (const chunk of response.body ?? []) {
        // However long the reader takes: only what the server does not send counts.
        silence.stop();
        yield chunk as Uint8Array;
        silence.heard();
      }
    } catch (cause) {
      if (isGantryError(cause)) throw cause;
      throw unreachable(this.#settings.serverUrl, cause);
    } finally {
      silence.stop();
    }
  }

  async #json<T>(path: string, parts: RequestParts = {}): Promise<T> {
    return JSON.parse(new TextDecoder().decode(await this.#request(path, parts))) as T;
  }

  // Every request here may be repeated without harm, so a server that restarts is waited for.
  async #request(path: string, parts: RequestParts): Promise<Uint8Array> {
    const startedAtMs = performance.now();
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(path, parts);
      } catch (error) {
        const isPatient = parts.attempts === undefined && this.#hasAnswered;
        const mayRetry = isPatient
          ? performance.now() - startedAtMs < PATIENCE_MS
          : attempt < (parts.attempts ?? ATTEMPTS);
        if (!(error instanceof ConnectionError) || !mayRetry) throw error;
        const delayMs = Math.min(FIRST_RETRY_DELAY_MS * 2 ** (attempt - 1), LONGEST_RETRY_DELAY_MS);
        await new Promise((resolve) => setTimeout(resolve, delayMs));
      }
    }
  }

  async #attempt(path: string, parts: RequestParts): Promise<Uint8Array> {
    const silence = new SilenceWatch(SILENCE_MS + (parts.body?.length ?? 0) / BYTES_PER_MS);
    try {
      return await readBody(await this.#fetch(path, parts, silence.signal), silence);
    } catch (cause) {
      if (isGantryError(cause)) throw cause;
      throw unreachable(this.#settings.serverUrl, cause);
    } finally {
      silence.stop();
    }
  }

  async #fetch(path: string, { method = 'GET', body }: RequestParts, signal: AbortSignal): Promise<Response> {
    const { serverUrl, token } = this.#settings;
    const init: RequestInit = { method, signal };
    init.headers = { authorization: `Bearer ${token}` };
    if (body) init.body = body as Uint8Array<ArrayBuffer>;
    const response = await fetch(serverUrl + path, init);
    this.#hasAnswered = true;
    if (!response.ok) throw await toError(response, path);
    return response;
  }
}

/** Aborts what is silent for too long. */
class SilenceWatch {
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout>;

  constructor(firstMs: number) {
    this.#timer = this.#arm(firstMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#arm(SILENCE_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(afterMs: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#controller.abort(), afterMs);
  }
}

async function readBody(response: Response, silence: SilenceWatch): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body ?? []) {
    silence.heard();
    chunks.push(chunk as Uint8Array);
  }
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** The server does not answer at all. */
export function unreachable(serverUrl: string, cause?: unknown): ConnectionError {
  return new ConnectionError(`the server "${serverUrl}" cannot be reached`, {
    hint: 'Start the platform: gantry up',
    cause,
  });
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function query(environment: string): string {
  return new URLSearchParams({ environment }).toString();
}

async function toError(response: Response, path: string): Promise<Error> {
  const problem = (await response.json().catch(() => ({}))) as Partial<ProblemDetails>;
  const message = problem.message ?? problem.title ?? `the server answered ${response.status} to "${path}"`;
  if (problem.name !== undefined && isErrorCode(problem.code)) {
    const { name, code, hint, details } = problem;
    return fromWireError({ name, code, message, hint, details });
  }
  if (response.status === 401 || response.status === 403) {
    return new AuthError(message, { hint: 'Check GANTRY_TOKEN, or start the platform: gantry up' });
  }
  if (response.status === 404) return new NotFoundError(message);
  return new InternalFailure(message, { hint: 'Try again, and look at the log of the Gantry server.' });
}
