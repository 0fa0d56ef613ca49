import { createHash } from 'node:crypto';

import {
  type ClientMessage,
  decodeFrame,
  encodeFrame,
  type FunctionOptionsSpec,
  type FunctionSpec,
  type Manifest,
  newCallId,
  newId,
  newSessionKey,
  type ServerMessage,
  type WebSpec,
} from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { WebSocket } from 'ws';

export const TOKEN = 'test-token-1234';

export function digestOf(bytes: Uint8Array): string {
  return `sha256-${createHash('sha256').update(bytes).digest('hex')}`;
}

const BUNDLE = new TextEncoder().encode('export {}');

/** The smallest manifest that a server takes. */
export function manifest(functions: FunctionSpec[], changes: Partial<Manifest> = {}): Manifest {
  const file = { path: 'bundle.mjs', digest: digestOf(BUNDLE), sizeBytes: BUNDLE.length };
  return {
    schemaVersion: 1,
    sdkVersion: '0.1.0',
    appName: 'shop',
    bundle: file,
    sourceMap: file,
    functions,
    entrypoints: [],
    ...changes,
  };
}

export function fn(name: string, options: FunctionOptionsSpec = {}, web?: WebSpec): FunctionSpec {
  const site = { file: 'shop.ts', line: 1 };
  return {
    name,
    kind: 'function',
    site,
    options,
    methods: [{ name: '', handlerKind: 'async', callable: true, params: [], web, site }],
    parameters: [],
    hooks: { enter: [], exit: [] },
  };
}

/** HTTP and WebSocket against one server. */
export class TestClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** Makes an environment, if there is none of the name. */
  async createEnvironment(name: string): Promise<void> {
    const { status, text } = await this.request('POST', '/v1/environments', { name });
    if (status !== 201 && status !== 409) throw new Error(text);
  }

  async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const isBytes = body instanceof Uint8Array || typeof body === 'string';
    const response = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      body:
        body === undefined
          ? null
          : isBytes
            ? (body as string | Uint8Array<ArrayBuffer>)
            : JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') && !text.includes('}\n{');
    return {
      status: response.status,
      text,
      json: (isJson && text ? JSON.parse(text) : {}) as Record<string, unknown>,
    };
  }

  /** Uploads the bundle and deploys. */
  async deploy(request: Record<string, unknown> & { manifest: Manifest }) {
    await this.request('PUT', `/v1/blobs/${digestOf(BUNDLE)}`, BUNDLE);
    return await this.request('POST', '/v1/deployments', { environment: 'main', ...request });
  }

  async session(key = newSessionKey()): Promise<TestSession> {
    return await TestSession.open(this.url, key);
  }
}

/** A client's end of a session, which keeps all that arrives. */
export class TestSession {
  readonly received: ServerMessage[] = [];
  readonly key: string;
  closed: { code: number; reason: string } | undefined;
  readonly #webSocket: WebSocket;

  private constructor(webSocket: WebSocket, key: string) {
    this.#webSocket = webSocket;
    this.key = key;
    webSocket.on('message', (data: Buffer) => this.received.push(...decodeFrame<ServerMessage[]>(data)));
    webSocket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
  }

  static async open(url: string, key: string): Promise<TestSession> {
    const webSocket = new WebSocket(`${url.replace('http', 'ws')}/v1/session?key=${key}`, [
      'gantry',
      `bearer.${TOKEN}`,
    ]);
    const session = new TestSession(webSocket, key);
    await waitUntil(() => session.received.length > 0);
    return session;
  }

  get protocol(): string {
    return this.#webSocket.protocol;
  }

  send(...messages: ClientMessage[]): void {
    this.#webSocket.send(encodeFrame(messages));
  }

  sendRaw(data: Uint8Array | string): void {
    this.#webSocket.send(data);
  }

  /** Submits inputs with these arguments; returns the ids. */
  submit(functionId: string, args: number[], changes: Record<string, unknown> = {}) {
    const callId = newCallId(this.key);
    const inputs = args.map((value, index) => ({
      inputId: newId('in'),
      index,
      args: new Uint8Array([value]),
    }));
    this.send({
      type: 'submit',
      callId,
      functionId,
      method: '',
      kind: 'remote',
      inputs,
      ...changes,
    } as ClientMessage);
    return { callId, inputIds: inputs.map(({ inputId }) => inputId) };
  }

  of<TType extends ServerMessage['type']>(type: TType): Extract<ServerMessage, { type: TType }>[] {
    return this.received.filter((message) => message.type === type) as Extract<
      ServerMessage,
      { type: TType }
    >[];
  }

  async waitFor<TType extends ServerMessage['type']>(type: TType, count = 1, timeoutMs = 15_000) {
    await waitUntil(() => this.of(type).length >= count, { timeoutMs });
    return this.of(type);
  }

  close(): void {
    this.#webSocket.close();
  }
}
