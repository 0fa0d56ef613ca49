import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import {
  decodeFrame,
  decodeValue,
  encodeFrame,
  NotFoundError,
  toWireError,
  type ClientMessage,
  type FunctionLookup,
  type Outcome,
  type Payload,
  type ServerMessage,
  type SubmitMessage,
} from '@gantry/protocol';
import { WebSocketServer, type WebSocket } from 'ws';

import { runOutcome } from './fake-host.fixture.ts';

type Implementation = (...args: never[]) => unknown;
type Output = Extract<ServerMessage, { type: 'output' }>;

/** For tests: a server that speaks the session protocol and runs each input with a plain function. */
export class SessionServer implements AsyncDisposable {
  readonly token = 'secret-token';
  readonly functions = new Map<string, Implementation>();
  readonly blobs = new Map<string, Uint8Array>();
  readonly received: ClientMessage[] = [];
  readonly keys: (string | null)[] = [];
  /** Messages of these types are lost on the way in. */
  readonly losing = new Set<ClientMessage['type']>();
  /** Outputs are stored, but not sent by themselves. */
  holdOutputs = false;
  frames = 0;
  runs = 0;
  #http: Server | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<WebSocket>();
  readonly #known = new Set<string>();
  readonly #outputs = new Map<string, Output[]>();

  /** Listens, on the given port or on any. */
  async start(port = 0): Promise<this> {
    const http = createServer((request, response) => void this.#respond(request, response));
    const sessions = new WebSocketServer({ noServer: true, handleProtocols: () => 'gantry' });
    http.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    http.on('upgrade', (request, socket, head) => {
      const protocols = request.headers['sec-websocket-protocol'] ?? '';
      if (!protocols.includes(`bearer.${this.token}`)) {
        socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      sessions.handleUpgrade(request, socket, head, (session) => {
        this.keys.push(new URL(request.url ?? '', 'http://x').searchParams.get('key'));
        this.#serve(session);
      });
    });
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
    this.#http = http;
    return this;
  }

  get port(): number {
    return (this.#http?.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Ends all connections at once, as a killed process would. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#http?.close(resolve) ?? resolve(undefined));
    this.cut();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  count(type: ClientMessage['type']): number {
    return this.received.filter((message) => message.type === type).length;
  }

  /** Sends all stored outputs to whoever is connected. */
  releaseOutputs(): void {
    this.holdOutputs = false;
    for (const outputs of this.#outputs.values()) for (const output of outputs) this.#send(output);
  }

  #serve(session: WebSocket): void {
    this.#sessions.add(session);
    session.on('close', () => this.#sessions.delete(session));
    session.on('error', () => undefined);
    session.on('message', (data: Uint8Array) => {
      this.frames++;
      for (const message of decodeFrame<ClientMessage[]>(data)) this.#receive(message);
    });
    this.#send({ type: 'welcome', serverId: 'se-1', serverVersion: '0', workspace: 'local' });
  }

  #receive(message: ClientMessage): void {
    this.received.push(message);
    if (this.losing.has(message.type)) return;
    if (message.type === 'submit') void this.#submit(message);
    if (message.type === 'await') this.#await(message.requestId, message.callId);
    if (message.type === 'cancel') this.#send({ type: 'answer', requestId: message.requestId });
    if (message.type === 'ping') this.#send({ type: 'pong' });
  }

  #await(requestId: number, callId: string): void {
    const outputs = this.#outputs.get(callId);
    if (!outputs && ![...this.#known].some((known) => known.startsWith(callId))) {
      const error = toWireError(new NotFoundError(`call "${callId}" does not exist`));
      return this.#send({ type: 'answer', requestId, error });
    }
    for (const output of outputs ?? []) this.#send(output);
    this.#send({ type: 'answer', requestId });
  }

  async #submit(submit: SubmitMessage): Promise<void> {
    const inputIds = submit.inputs.map((input) => input.inputId);
    const run = this.functions.get(submit.functionId.slice('fu-'.length));
    if (!run) {
      const error = toWireError(new NotFoundError(`function "${submit.functionId}" does not exist`));
      return this.#send({ type: 'rejected', inputIds, error });
    }
    this.#send({ type: 'accepted', inputIds });
    await Promise.all(submit.inputs.map((input) => this.#run(run, submit, input)));
  }

  async #run(
    run: Implementation,
    submit: SubmitMessage,
    input: SubmitMessage['inputs'][number],
  ): Promise<void> {
    const key = `${submit.callId}/${input.inputId}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.runs++;
    const args = decodeValue(this.#load(input.args)) as never[];
    const outcome = this.#store(await runOutcome(() => run(...args)));
    const { inputId, index } = input;
    const output: Output = { type: 'output', callId: submit.callId, inputId, index, outcome };
    this.#outputs.set(submit.callId, [...(this.#outputs.get(submit.callId) ?? []), output]);
    if (!this.holdOutputs) this.#send(output);
  }

  #load(payload: Payload): Uint8Array {
    if (payload instanceof Uint8Array) return payload;
    const bytes = this.blobs.get(payload.blob);
    if (!bytes) throw new Error(`the blob "${payload.blob}" was not uploaded`);
    return bytes;
  }

  #store(outcome: Outcome): Outcome {
    if (outcome.type !== 'value' || !(outcome.value instanceof Uint8Array)) return outcome;
    const bytes = Uint8Array.from(outcome.value);
    if (bytes.length <= 512 * 1024) return { type: 'value', value: bytes };
    const blob = digestOf(bytes);
    this.blobs.set(blob, bytes);
    return { type: 'value', value: { blob, sizeBytes: bytes.length } };
  }

  #send(message: ServerMessage): void {
    for (const session of this.#sessions) session.send(encodeFrame([message]));
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '', 'http://x');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.headers.authorization !== `Bearer ${this.token}`) {
      return json(response, 401, { title: 'Unauthorized' });
    }
    const [, kind, name] =
      /^\/v1\/(hello|blobs|values|apps\/maths\/functions)(?:\/([^/]+))?$/.exec(pathname) ?? [];
    if (kind === 'hello') return json(response, 200, { serverId: 'se-1', version: '0', workspace: 'local' });
    if (kind === 'blobs' && name) return void response.end(this.blobs.get(name));
    if (kind === 'values' && name) return this.#value(response, name, Buffer.concat(chunks));
    if (name && this.functions.has(name)) return json(response, 200, lookupOf(name));
    const error = toWireError(new NotFoundError(`there is nothing at "${pathname}"`));
    json(response, 404, { ...error, type: 'about:blank', title: 'Not Found', status: 404 });
  }

  #value(response: ServerResponse, digest: string, body: Buffer): void {
    if (digestOf(body) !== digest) return json(response, 400, { title: 'the digest is wrong' });
    const blob = `d1-${digest}`;
    this.blobs.set(blob, body);
    json(response, 201, { blob });
  }
}

function lookupOf(name: string): FunctionLookup {
  const functionId = `fu-${name}`;
  return {
    functionId,
    appId: 'ap-1',
    name,
    kind: 'function',
    version: 1,
    methods: [],
    parameters: [],
    urls: {},
  };
}

function digestOf(bytes: Uint8Array): string {
  return `sha256-${createHash('sha256').update(bytes).digest('hex')}`;
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
