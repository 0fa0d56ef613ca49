import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import type { LoadMessage, MethodSpec, RunnerToWorker } from '@gantry/protocol';
import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ContainerSocket } from './container-socket.ts';
import { activeInput } from './current-input.ts';
import { InputSlots } from './input-slots.ts';
import type { UserCode } from './user-code.ts';
import { startWebEndpoints, type WebEndpoints } from './web-endpoints.ts';

let folder: TemporaryDirectory;
let endpoints: WebEndpoints | undefined;
let sent: RunnerToWorker[];

beforeEach(async () => {
  folder = await temporaryDirectory();
  sent = [];
});
afterEach(async () => {
  await endpoints?.close();
  await folder.remove();
});

const SITE = { file: 'app.ts', line: 1 };

/** Serves one GET endpoint and asks it; resolves with its answer and the id of the input. */
async function ask(handler: () => unknown): Promise<{ body: string; inputId: string }> {
  const httpSocketPath = join(folder.path, 'web.sock');
  const web = { type: 'endpoint', method: 'GET', docs: false } as const;
  const read: MethodSpec = {
    ...{ name: 'read', handlerKind: 'async', callable: false, params: [], web, site: SITE },
  };
  const load: LoadMessage = {
    ...{ type: 'load', containerId: 'ta-1', appId: 'ap-1', functionId: 'fu-1', environment: 'main' },
    ...{ bundlePath: '', parameters: {}, env: {}, httpSocketPath, maxInputs: 1, urls: {} },
    spec: {
      ...{ name: 'Reader', kind: 'class', site: SITE, options: {}, methods: [read], parameters: [] },
      hooks: { enter: [], exit: [] },
    },
  };
  const code: UserCode = {
    handler: () => handler,
    paramTypes: () => [],
    enter: () => Promise.resolve(),
    hasExitHooks: false,
    exit: () => Promise.resolve(),
  };
  const send = (message: RunnerToWorker) => sent.push(message);
  const socket = new ContainerSocket(httpSocketPath);
  const parts = { code, socket, slots: new InputSlots(1), send, onLost: () => undefined };
  endpoints = await startWebEndpoints(load, parts);
  return new Promise((resolve, reject) => {
    const headers = { 'gantry-method': 'read', connection: 'close' };
    const asked = request({ socketPath: httpSocketPath, headers }, (response) => {
      const inputId = String(response.headers['gantry-input-id']);
      text(response).then((body) => resolve({ body, inputId }), reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

const current = (): string => activeInput()?.inputId ?? 'none';

describe('an endpoint', () => {
  it.each<[what: string, handler: () => unknown]>([
    ['its method', async () => new Response(current())],
    [
      'the body of a generator',
      async function* () {
        yield current();
        await null;
        yield current();
      },
    ],
    [
      'the source of a streamed response',
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              controller.enqueue(new TextEncoder().encode(current()));
              controller.close();
            },
          }),
        ),
    ],
  ])('knows its input in %s', async (_, handler) => {
    const { body, inputId } = await ask(handler);
    expect(inputId).toMatch(/^in-/);
    expect(body.replaceAll(inputId, '')).toBe('');
    expect(body).toContain(inputId);
  });

  it('logs an error that the client must not see, under the input it belongs to', async () => {
    const { body, inputId } = await ask(() => {
      throw new Error('the password is hunter2', { cause: new Error('a leak') });
    });
    expect(body).not.toContain('hunter2');
    const logs = sent.filter((message) => message.type === 'log');
    expect(logs).toMatchObject([{ stream: 'stderr', inputId }]);
    expect(logs[0]?.text).toMatch(/the password is hunter2[^]*a leak/);
  });

  it('says how many requests run', async () => {
    await ask(async () => 'done');
    expect(sent).toEqual([
      { type: 'web', running: 1 },
      { type: 'web', running: 0 },
    ]);
  });
});
