import { once } from 'node:events';

import {
  decodeFrame,
  encodeFrame,
  type ExecFrame,
  type ExecInputRelay,
  type ExecOutput,
  type ExecOutputRelay,
  type ExecRequest,
  isShellPool,
  subjects,
  type WorkerCommand,
} from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { fn, TOKEN } from '../testing/test-client.ts';
import { TestPlatform } from '../testing/test-platform.ts';

const REQUEST: ExecRequest = { command: ['cat'] };

const JSON_BODY = { 'content-type': 'application/json' };

let platform: TestPlatform;
/** What the server passed on, by subject. */
const passedOn = new Map<string, ExecInputRelay[]>();

beforeAll(async () => {
  platform = await TestPlatform.start();
  platform.messaging.subscribe<ExecInputRelay>(subjects.execInput('*'), (relay, subject) => {
    passedOn.set(subject, [...(passedOn.get(subject) ?? []), relay]);
  });
});
afterAll(() => platform.stop());

function connect(path: string, token = TOKEN): WebSocket {
  const url = platform.server.url.replace('http', 'ws') + path;
  return new WebSocket(url, ['gantry', `bearer.${token}`]);
}

/** Opens a WebSocket and says what to run. What comes is collected. */
async function open(path: string, request: unknown = REQUEST, token = TOKEN) {
  const socket = connect(path, token);
  const messages: ExecOutput[] = [];
  socket.on('message', (data: Buffer) => messages.push(decodeFrame<ExecFrame<ExecOutput>>(data).message));
  const closed = once(socket, 'close').then(([code]) => code as number);
  await once(socket, 'open');
  socket.send(encodeFrame(request));
  return { socket, messages, closed };
}

type ExecCommand = Extract<WorkerCommand, { type: 'exec' }>;

/** The next command to run a program, and the worker's end of the line. */
async function workerEnd(containerId: string) {
  const isIt = (command: WorkerCommand): command is ExecCommand =>
    command.type === 'exec' && command.containerId === containerId;
  const command = await waitUntil(() => platform.worker.commands.findLast(isIt));
  const { messaging } = platform;
  const send = (seq: number, message: ExecOutput, last = false) => {
    const relay: ExecOutputRelay = { frame: encodeFrame({ seq, message }), last };
    messaging.publish(subjects.execOutput(command.execId), relay);
  };
  return {
    command,
    send,
    get relays() {
      return passedOn.get(subjects.execInput(command.execId)) ?? [];
    },
  };
}

async function startContainer(): Promise<string> {
  const { functionId } = await platform.deployFresh([fn('f', { minContainers: 1 })]);
  const found = await waitUntil(() =>
    [...platform.worker.containers.values()].find((container) => container.functionId === functionId),
  );
  // The server hears of it by the worker's report.
  platform.worker.report();
  await platform.messaging.flush();
  return found.containerId;
}

describe('a program in a container, through the server', () => {
  it('speaks with its client in frames that the server does not read', async () => {
    const containerId = await startContainer();
    const client = await open(`/v1/containers/${containerId}/exec`);
    const worker = await workerEnd(containerId);
    expect(worker.command.request).toEqual(REQUEST);

    client.socket.send(Buffer.from('whatever'));
    await waitUntil(() => worker.relays.length === 1);
    worker.send(0, { type: 'started' });
    worker.send(1, { type: 'exited', code: 4, signal: null, containerEnded: false }, true);

    expect(await client.closed).toBe(1000);
    expect(client.messages.map(({ type }) => type)).toEqual(['started', 'exited']);
    await waitUntil(() => worker.relays.length >= 2);
    expect(worker.relays[0]).toEqual({ frame: Buffer.from('whatever') });
    expect(worker.relays[1]).toEqual({ hangup: true });
  });

  it('gets what its client sent before it was there', async () => {
    const containerId = await startContainer();
    const client = await open(`/v1/containers/${containerId}/exec`);
    for (const text of ['a', 'b', 'c']) client.socket.send(Buffer.from(text));
    const worker = await workerEnd(containerId);
    client.socket.send(Buffer.from('d'));
    client.socket.close();
    await waitUntil(() => worker.relays.some((relay) => 'hangup' in relay));
    const sent = worker.relays.flatMap((relay) =>
      'frame' in relay ? [Buffer.from(relay.frame).toString()] : [],
    );
    expect(sent).toEqual(['a', 'b', 'c', 'd']);
  });

  it('ends when its client leaves', async () => {
    const containerId = await startContainer();
    const client = await open(`/v1/containers/${containerId}/exec`);
    const worker = await workerEnd(containerId);
    client.socket.terminate();
    await waitUntil(() => worker.relays.some((relay) => 'hangup' in relay));
  });

  it('ends when the token of its client is revoked', async () => {
    const containerId = await startContainer();
    const made = await platform.client.request('POST', '/v1/tokens', { name: 'guest' }, JSON_BODY);
    const client = await open(`/v1/containers/${containerId}/exec`, REQUEST, String(made.json['token']));
    const worker = await workerEnd(containerId);
    await platform.client.request('DELETE', '/v1/tokens/guest');
    expect(await client.closed).toBe(1008);
    await waitUntil(() => worker.relays.some((relay) => 'hangup' in relay));
  });

  it('is refused without the token', async () => {
    const [error] = (await once(connect('/v1/containers/ta-1/exec', 'wrong'), 'error')) as [Error];
    expect(error.message).toContain('401');
  });

  it.each([
    ['a container that does not run', '/v1/containers/ta-none/exec', REQUEST, 'NOT_FOUND'],
    ['a function that does not exist', '/v1/functions/fu-none/shell', REQUEST, 'NOT_FOUND'],
    ['no program', '/v1/containers/ta-none/exec', { command: [] }, 'INVALID_ARGUMENT'],
    ['a word with a zero in it', '/v1/containers/ta-none/exec', { command: ['a\0'] }, 'INVALID_ARGUMENT'],
    [
      'a variable without a name',
      '/v1/containers/ta-none/exec',
      { ...REQUEST, env: { '': '1' } },
      'INVALID_ARGUMENT',
    ],
    [
      'a terminal without a size',
      '/v1/containers/ta-none/exec',
      { ...REQUEST, terminal: { columns: 0, rows: 5 } },
      'INVALID_ARGUMENT',
    ],
    ['a text', '/v1/containers/ta-none/exec', 'cat', 'INVALID_ARGUMENT'],
  ])('is refused for %s', async (_what, path, request, code) => {
    const client = await open(path, request);
    await client.closed;
    expect(client.messages).toEqual([
      expect.objectContaining({ type: 'failed', error: expect.objectContaining({ code }) }),
    ]);
  });
});

describe('a shell of a function', () => {
  it('gets a container of its own, which the scheduler leaves alone', async () => {
    const { functionId } = await platform.deployFresh([fn('g', { bufferContainers: 1 })]);
    const client = await open(`/v1/functions/${functionId}/shell`);
    const shell = await waitUntil(() =>
      [...platform.worker.containers.values()].find((container) => container.functionId === functionId),
    );
    const worker = await workerEnd(shell.containerId);
    expect(isShellPool(shell.pool)).toBe(true);
    // Several rounds of the scheduler.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const others = platform.worker.commands.filter(
      (command) => ('record' in command && command.record.id === functionId) || command.type === 'stop',
    );
    expect(others.map(({ type }) => type)).toEqual(['shell']);
    client.socket.close();
    await waitUntil(() => worker.relays.some((relay) => 'hangup' in relay));
  });

  it.each([
    ['a place', { region: ['nowhere'] }],
    ['a GPU', { gpu: ['H100'] }],
  ])('is refused where no machine has such %s', async (_, options) => {
    const { functionId } = await platform.deployFresh([fn('h', options)]);
    const client = await open(`/v1/functions/${functionId}/shell`);
    await client.closed;
    expect(client.messages).toMatchObject([{ type: 'failed', error: { code: 'RESOURCE_EXHAUSTED' } }]);
  });
});
