import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import {
  AuthError,
  ConnectionError,
  decodeFrame,
  EXEC_WINDOW_BYTES,
  NotFoundError,
  NumberedFrames,
  toWireError,
  type ExecInput,
  type ExecOutput,
  type ExecRequest,
} from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';

import { ExecConnection, type ExecConnectionOptions } from './exec-connection.ts';

/** The other end of a line: what a server and a worker are together. */
class OtherEnd {
  request: ExecRequest | undefined;
  readonly inputs: ExecInput[] = [];
  readonly socket: WebSocket;
  readonly #frames = new NumberedFrames<ExecOutput, ExecInput>();

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      if (!this.request) this.request = decodeFrame<ExecRequest>(data);
      else this.inputs.push(this.#frames.unwrap(data));
    });
  }

  send(message: ExecOutput): void {
    this.socket.send(this.#frames.wrap(message));
  }

  lose(): void {
    this.#frames.wrap({ type: 'alive' });
  }

  get stdinBytes(): number {
    return this.inputs.reduce((sum, input) => sum + (input.type === 'stdin' ? input.data.length : 0), 0);
  }
}

let server: WebSocketServer;

afterEach(() => {
  for (const client of server.clients) client.terminate();
  server.close();
});

async function connect(options: Partial<ExecConnectionOptions> = {}) {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'gantry' });
  await once(server, 'listening');
  const connected = once(server, 'connection') as Promise<[WebSocket]>;
  const shown = { stdout: '', stderr: '' };
  const connection = new ExecConnection({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/containers/ta-1/exec`,
    token: 'secret',
    request: { command: ['cat'] },
    diagnose: () => Promise.resolve(undefined),
    onOutput: async (stream, data) => void (shown[stream] += Buffer.from(data).toString()),
    ...options,
  });
  connection.ended.catch(() => undefined);
  return { connection, shown, other: async () => new OtherEnd((await connected)[0]) };
}

const output = (text: string, stream: 'stdout' | 'stderr' = 'stdout'): ExecOutput => ({
  type: 'output',
  stream,
  data: Buffer.from(text),
});

describe('the line to a program in a container', () => {
  it('says what to run, then carries what was sent from the start on', async () => {
    const { connection, shown, other } = await connect();
    void connection.write(Buffer.from('early'));
    connection.resize({ columns: 9, rows: 8 });
    connection.signal('SIGINT');
    connection.end();
    const end = await other();
    await waitUntil(() => end.inputs.length === 4);
    expect(end.request).toEqual({ command: ['cat'] });
    expect(end.inputs.map(({ type }) => type)).toEqual(['stdin', 'resize', 'signal', 'stdinEnd']);
    end.send({ type: 'started' });
    end.send(output('out'));
    end.send(output('err', 'stderr'));
    end.send({ type: 'exited', code: 3, signal: null, containerEnded: false });
    expect(await connection.ended).toEqual({ code: 3, signal: null, containerEnded: false });
    expect(shown).toEqual({ stdout: 'out', stderr: 'err' });
  });

  it('lets no more input go than the other end takes', async () => {
    const { connection, other } = await connect();
    const end = await other();
    const written = connection.write(Buffer.alloc(2 * EXEC_WINDOW_BYTES));
    await waitUntil(() => end.stdinBytes >= EXEC_WINDOW_BYTES);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(end.stdinBytes).toBe(EXEC_WINDOW_BYTES);
    end.send({ type: 'taken', bytes: 2 * EXEC_WINDOW_BYTES });
    await written;
    await waitUntil(() => end.stdinBytes === 2 * EXEC_WINDOW_BYTES);
  });

  it('tells of output only once it was taken, and ends after it', async () => {
    let take: () => void = () => undefined;
    const taken = new Promise<void>((resolve) => (take = resolve));
    const { connection, other } = await connect({ onOutput: () => taken });
    const end = await other();
    end.send(output('x'.repeat(EXEC_WINDOW_BYTES / 2)));
    end.send({ type: 'exited', code: 0, signal: null, containerEnded: false });
    let hasEnded = false;
    void connection.ended.then(() => (hasEnded = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([hasEnded, end.inputs]).toEqual([false, []]);
    take();
    await connection.ended;
    await waitUntil(() => end.inputs.some(({ type }) => type === 'taken'));
  });

  it.each([
    [
      'says why the program did not run',
      (end: OtherEnd) => end.send({ type: 'failed', error: toWireError(new NotFoundError('no container')) }),
      NotFoundError,
    ],
    ['breaks', (end: OtherEnd) => end.socket.terminate(), ConnectionError],
    [
      'loses a message',
      (end: OtherEnd) => {
        end.lose();
        end.send({ type: 'alive' });
      },
      ConnectionError,
    ],
  ])('fails when it %s', async (_what, happens, error) => {
    const { connection, other } = await connect();
    const end = await other();
    await waitUntil(() => end.request);
    happens(end);
    await expect(connection.ended).rejects.toBeInstanceOf(error);
    await connection.write(Buffer.alloc(2 * EXEC_WINDOW_BYTES));
  });

  it('fails with what the server says over HTTP when it is refused', async () => {
    const { connection, other } = await connect({
      url: 'ws://127.0.0.1:1/',
      diagnose: () => Promise.resolve(new AuthError('the token is not valid')),
    });
    void other().catch(() => undefined);
    await expect(connection.ended).rejects.toBeInstanceOf(AuthError);
  });
});
