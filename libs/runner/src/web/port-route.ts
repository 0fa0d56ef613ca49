import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';

import type { ListeningProgram } from './listening-program.ts';
import { answerOn, join, switchingProtocols } from './upgraded.ts';
import { WebInput } from './web-input.ts';
import type { LeavingConnection, WebContainer, WebRoute } from './web-route.ts';

const MAX_HEADER_BYTES = 64 * 1024;
/** Headers that concern one connection only. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

/** Passes requests on to a program of the container that listens at a port. */
export class PortRoute implements WebRoute {
  readonly #program: ListeningProgram;
  readonly #container: WebContainer;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(program: ListeningProgram, container: WebContainer) {
    this.#program = program;
    this.#container = container;
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const input = new WebInput(response, this.#container);
    void input.run(async () => {
      if (!(await input.begin())) return;
      const reached = await this.#ask(request, input.signal);
      // Nothing was said yet, so the gateway may still try another container.
      if (reached) await this.#pass(reached.answer, input);
      else response.destroy();
    });
  }

  upgrade(request: IncomingMessage, { socket, head }: LeavingConnection): void {
    const response = answerOn(request, socket);
    const input = new WebInput(response, this.#container);
    void input.run(async () => {
      if (!(await input.begin())) return;
      const reached = await this.#ask(request, input.signal, [
        'connection',
        'Upgrade',
        'upgrade',
        'websocket',
      ]);
      if (!reached) return void response.destroy();
      const { answer, connection } = reached;
      if (!connection) return this.#pass(answer, input);
      response.detachSocket(socket);
      socket.write(switchingProtocols(endToEnd(answer.rawHeaders)));
      socket.unshift(head);
      connection.socket.unshift(connection.head);
      join(socket, connection.socket);
      await input.handOver(socket);
    });
  }

  async close(): Promise<void> {
    this.#agent.destroy();
  }

  async #pass(answer: IncomingMessage, { response, signal, inputId }: WebInput): Promise<void> {
    const headers = [...endToEnd(answer.rawHeaders), 'gantry-input-id', inputId];
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers);
    // The program may think before its first byte.
    response.flushHeaders();
    answer.once('end', () => response.addTrailers(pairs(answer.rawTrailers)));
    await pipeline(answer, response, { signal });
  }

  /** Sends the request on; resolves with the head of the answer, or undefined if the program broke off. */
  #ask(
    request: IncomingMessage,
    signal: AbortSignal,
    more: readonly string[] = [],
  ): Promise<ProgramAnswer | undefined> {
    return new Promise((resolve) => {
      const asked = httpRequest({
        ...{ host: this.#program.host, port: this.#program.port, agent: this.#agent, signal },
        ...{ method: request.method, path: request.url, headers: [...bodyHeaders(request), ...more] },
        maxHeaderSize: MAX_HEADER_BYTES,
        setDefaultHeaders: false,
      });
      asked.once('response', (answer) => resolve({ answer }));
      asked.once('upgrade', (answer, socket: Socket, head) =>
        resolve({ answer, connection: { socket, head } }),
      );
      asked.on('error', () => {
        if (!signal.aborted) void this.#program.check();
        resolve(undefined);
      });
      request.pipe(asked);
    });
  }
}

interface ProgramAnswer {
  answer: IncomingMessage;
  /** Set when the program agreed to leave HTTP. */
  connection?: LeavingConnection;
}

/** The client's headers as they came, with the framing of the body that came with them. */
function bodyHeaders({ rawHeaders, headers }: IncomingMessage): string[] {
  const kept = endToEnd(rawHeaders);
  if (headers['transfer-encoding'] !== undefined) kept.push('transfer-encoding', 'chunked');
  return kept;
}

function endToEnd(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (const [name, value] of pairs(rawHeaders)) {
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}

function pairs(flat: readonly string[]): [name: string, value: string][] {
  const found: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) found.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return found;
}
