import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import type {
  EndpointSpec,
  FunctionSpec,
  MethodSpec,
  ParameterSpec,
  TypeSpec,
  WebSpec,
} from '@gantry/protocol';
import { temporaryDirectory } from '@gantry/testing';

import type { WebHandler } from './endpoint-route.ts';
import { ContainerSocket } from '../container-socket.ts';
import { startWebServer } from './web-server.ts';

const SITE = { file: 'app.ts', line: 1 };

interface TestEndpoint {
  spec: MethodSpec;
  run(...args: never[]): unknown;
  paramTypes: unknown[];
}

export interface TestAsk {
  verb?: string;
  path?: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Uint8Array;
}

export interface TestAnswer {
  status: number | undefined;
  headers: IncomingMessage['headers'];
  body: string;
  json: unknown;
}

/** A parameter of an endpoint under test; the type's name alone will do for simple ones. */
export function param(name: string, type: TypeSpec | TypeSpec['type'], optional = false): ParameterSpec {
  return { name, type: (typeof type === 'string' ? { type } : type) as TypeSpec, optional };
}

type TestWeb = Partial<EndpointSpec> | Exclude<WebSpec, EndpointSpec>;

function isEndpoint(web: TestWeb): web is Partial<EndpointSpec> {
  return web.type === undefined || web.type === 'endpoint';
}

/** A container's web server on a socket, and a client for it. */
export class TestEndpoints implements AsyncDisposable {
  socketPath = '';
  /** Input slots in use. */
  slots = 0;
  /** Errors that clients were not told. */
  readonly errors: unknown[] = [];
  /** Context of the input that began last. */
  current: { inputId: string; signal: AbortSignal } | undefined;
  readonly #endpoints = new Map<string, TestEndpoint>();
  readonly #cleanup = new AsyncDisposableStack();

  /** Adds an endpoint; a GET without parameters unless said otherwise. */
  add(
    name: string,
    web: TestWeb,
    code: { params?: ParameterSpec[]; paramTypes?: unknown[]; run(...args: never[]): unknown },
  ): void {
    const spec: MethodSpec = {
      name,
      handlerKind: 'async',
      callable: false,
      params: code.params ?? [],
      web: isEndpoint(web) ? { type: 'endpoint', method: 'GET', docs: false, ...web } : web,
      site: SITE,
    };
    this.#endpoints.set(name, { spec, run: code.run, paramTypes: code.paramTypes ?? [] });
  }

  async start(timeoutMs: number): Promise<void> {
    const directory = this.#cleanup.use(await temporaryDirectory());
    this.socketPath = join(directory.path, 'web.sock');
    const spec: FunctionSpec = {
      name: 'Shop',
      kind: 'class',
      site: SITE,
      options: { timeoutMs },
      methods: [...this.#endpoints.values()].map(({ spec }) => spec),
      parameters: [],
      hooks: { enter: [], exit: [] },
    };
    const server = await startWebServer({
      socket: new ContainerSocket(this.socketPath),
      spec,
      resolveHandler: (name) => this.#handler(name),
      admit: async () => {
        this.slots += 1;
        return () => {
          this.slots -= 1;
        };
      },
      onUnexpectedError: (error) => this.errors.push(error),
      makeApp: (name) => this.#endpoints.get(name)?.run(),
      onLost: (error) => this.errors.push(error),
      runAs: (input, work) => {
        this.current = input;
        return work();
      },
    });
    this.#cleanup.defer(() => server.close());
  }

  /** Sends a request with the endpoint's own verb unless another is asked for. */
  open(method: string, ask: TestAsk = {}): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        {
          socketPath: this.socketPath,
          method: ask.verb ?? this.#verbOf(method),
          path: ask.path ?? '/',
          headers: { ...ask.headers, 'gantry-method': method, host: 'shop.test', connection: 'close' },
        },
        resolve,
      );
      request.on('error', reject);
      request.end(ask.body);
    });
  }

  async ask(method: string, options?: TestAsk): Promise<TestAnswer> {
    const response = await this.open(method, options);
    const body = await text(response);
    const isJson = response.headers['content-type'] === 'application/json' && body !== '';
    const json = isJson ? (JSON.parse(body) as unknown) : undefined;
    return { status: response.statusCode, headers: response.headers, body, json };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#cleanup.disposeAsync();
  }

  #verbOf(name: string): string {
    const web = this.#endpoints.get(name)?.spec.web;
    return web?.type === 'endpoint' ? web.method : 'GET';
  }

  #handler(name: string): WebHandler {
    const { run, paramTypes } = this.#endpoints.get(name) ?? { run: () => undefined, paramTypes: [] };
    return { paramTypes, call: (args) => run(...(args as never[])) };
  }
}
