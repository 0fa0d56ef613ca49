import { once } from 'node:events';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

import { encodeFrame, newCallId, newId, newSessionKey, type Manifest, valueName } from '@gantry/protocol';
import { temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import fc from 'fast-check';
import { Client, RemoteFunction, type HandleOf } from 'gantry';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import type { echo, hoard, plusOne, spin, trick } from './bad-input/hostile-app.ts';
import { authorizationOf, exchangeFrame } from './bad-input/exchange-frame.ts';
import { gatewayRequests, request } from './bad-input/gateway-requests.ts';
import { sendRaw, sendRawTls, statusOf } from './bad-input/raw-connection.ts';
import { replaceAt } from './bad-input/replace-at.ts';
import { WRONG_SOURCES } from './bad-input/wrong-sources.ts';
import { HOSTILE_ENTRY, WRONG_COMMANDS, WRONG_CONNECTIONS, WRONG_REQUESTS } from './bad-input/wrong-words.ts';
import { end, fetchHttps, REPOSITORY, runCli, spawnCli, startPlatform, type Platform } from './platform.ts';

let platform: Platform;
let apps: TemporaryDirectory;
let authorization: string;

beforeAll(async () => {
  platform = await startPlatform();
  process.env['GANTRY_DATA_DIR'] = platform.ready.dataDir;
  authorization = await authorizationOf(platform);
  apps = await temporaryDirectory('gantry-bad-apps-');
  await symlink(join(REPOSITORY, 'node_modules'), join(apps.path, 'node_modules'));
  const deployed = await runCli(['deploy', HOSTILE_ENTRY], platform.env);
  expect(deployed.code, deployed.stderr).toBe(0);
});

afterAll(async () => {
  await Client.default().close();
  await platform[Symbol.asyncDispose]();
  await apps.remove();
});

/** After every test: the same processes still answer a good call. */
afterEach(async () => {
  const { ready, child } = platform;
  expect(child.exitCode).toBeNull();
  expect(() => process.kill(ready.nats.pid, 0)).not.toThrow();
  expect(await remote<typeof plusOne>('plusOne').remote(1)).toBe(2);
  expect((await ask('/v1/hello')).status).toBe(200);
  expect((await fetchHttps({ url: endpoint('read'), caPath: ready.caPath })).status).toBe(200);
});

function remote<T extends object>(name: string): HandleOf<T> {
  return RemoteFunction.fromName<T>('hostile', name);
}

function endpoint(method: string): string {
  return `${platform.ready.gatewayUrl.replace('://', `://local--hostile-web-${method}.`)}/`;
}

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(platform.ready.serverUrl + path, { ...init, headers: { authorization, ...init.headers } });
}

async function openFiles(): Promise<number> {
  return (await readdir(`/proc/${platform.ready.pid}/fd`)).length;
}

function problemCode(json: unknown): unknown {
  return (json as { code?: unknown }).code;
}

describe('the command line', () => {
  test.each(Object.entries(WRONG_SOURCES))('deploy refuses %s', async (file, [source, message]) => {
    const needsImport = source.includes('new App');
    await writeFile(join(apps.path, file), needsImport ? `import { App } from 'gantry';\n${source}` : source);

    const result = await runCli(['deploy', join(apps.path, file), '--json'], platform.env);

    expect(result.code, result.stderr).toBe(1);
    expect(result.stderr).toContain('error[BUILD_FAILED]');
    expect(result.stderr).toContain(message);
    expect(result.stderr).toMatch(/hint: /);
    expect(result.stderr).not.toMatch(/[^\P{Cc}\n\t]/u);
    expect(JSON.parse(result.stdout)).toMatchObject({ error: { code: 'BUILD_FAILED' } });
  });

  test.each(WRONG_COMMANDS)('gantry %j ends with %d', async (args, code, message) => {
    const result = await runCli(args, platform.env);

    expect(result.code, result.stderr).toBe(code);
    expect(result.stderr).toMatch(/error\[[A-Z_]+\]: /);
    expect(result.stderr).toContain(message);
  });

  test('deploy refuses a name that only a run may have', async () => {
    const file = join(apps.path, 'run-name.ts');
    await writeFile(file, "import { App } from 'gantry';\nnew App('bad name!');");

    const result = await runCli(['deploy', file], platform.env);

    expect(result.code, result.stderr).toBe(1);
    expect(result.stderr).toContain('error[INVALID_ARGUMENT]: the app name "bad name!" is not valid');
    expect(result.stderr).toMatch(/hint: /);
  });

  test.each(WRONG_CONNECTIONS)('a connection.json of %j is named', async (content, message) => {
    const folder = join(apps.path, 'data');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'connection.json'), content);

    const result = await runCli(['app', 'list', '--json'], { GANTRY_DATA_DIR: folder });

    expect(result.code).not.toBe(0);
    expect(result.stderr).toContain(message);
    expect((JSON.parse(result.stdout) as { error: { message: string } }).error.message).toContain(message);
  });

  test('says that a token is wrong', async () => {
    const result = await runCli(['app', 'list', '--json'], { ...platform.env, GANTRY_TOKEN: 'wrong' });

    expect(result.code).toBe(1);
    expect(JSON.parse(result.stdout)).toMatchObject({ error: { code: 'UNAUTHENTICATED' } });
  });

  test('Ctrl-C ends a run whose function never returns', async () => {
    const child = spawnCli(['run', `${HOSTILE_ENTRY}::spin`, '--forever'], platform.env);
    let text = '';
    child.stderr?.setEncoding('utf8').on('data', (part: string) => (text += part));
    await waitUntil(() => text.includes('Started'), { timeoutMs: 30_000 });

    expect(await end(child, 'SIGINT')).toBe(130);
  });
});

describe('the control API', () => {
  test.each(WRONG_REQUESTS)('%s %o is answered', async (path, init, status) => {
    const response = await ask(path, init);

    expect(response.status).toBe(status);
    expect(problemCode(await response.json())).toMatch(/^[A-Z_]+$/);
  });

  test.each([
    'NONSENSE\u0000\r\n\r\n',
    'GET // HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    'GET http://[ HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`,
  ])('raw %j is refused', async (text) => {
    const status = statusOf(await sendRaw(platform.ready.serverUrl, text));

    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });

  test('a manifest that is wrong anywhere is never a failure of the server', async () => {
    const out = join(apps.path, 'fuzz');
    await runCli(['build', HOSTILE_ENTRY, '--out', out], platform.env);
    const manifest = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8')) as Manifest;
    const wrong = fc.oneof(
      fc.constantFrom<unknown>(
        null,
        '',
        [],
        {},
        -1,
        1e300,
        '☃',
        '../../x',
        '*',
        true,
        [null],
        [[]],
        '__proto__',
      ),
      fc.string({ unit: 'binary' }),
      fc.jsonValue({ maxDepth: 2 }),
    );

    const mutated = fc
      .tuple(fc.nat(), wrong)
      .map(([at, value]) => replaceAt({ manifest, environment: 'fuzz' }, at, value));
    await ask('/v1/environments', { method: 'POST', body: JSON.stringify({ name: 'fuzz' }) });
    await fc.assert(
      fc.asyncProperty(mutated, async (body) => {
        const response = await ask('/v1/deployments', { method: 'POST', body: JSON.stringify(body) });
        expect(response.status, await response.text()).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
    expect((await ask('/v1/environments/fuzz', { method: 'DELETE' })).status).toBe(200);
  });
});

describe('sessions', () => {
  test.each<[what: string, frame: () => Uint8Array | string, closed: string]>([
    ['text', () => 'hello', '1008 a session speaks binary frames'],
    ['garbage', () => Uint8Array.of(0xff, 0xff), '1008 a message could not be decoded'],
    [
      'half a frame',
      () => encodeFrame([{ type: 'ping' }]).subarray(0, 5),
      '1008 a message could not be decoded',
    ],
    ['an announced giant', () => Uint8Array.of(0x9a, 0x7f, 0xff, 0xff, 0xff), '1008'],
    ['deep nesting', () => Buffer.concat([Buffer.alloc(500_000, 0x81), Buffer.of(1)]), '1008'],
    ['no message', () => encodeFrame([null]), '1008 a session knows no message'],
    ['130 MiB', () => Buffer.alloc(130 * 1024 ** 2), '1009'],
  ])('close on %s', async (_what, frame, closed) => {
    expect((await exchangeFrame(platform, frame)).closed).toContain(closed);
  });

  test.each<[wrong: string, change: Record<string, unknown>]>([
    ['a function id of another kind', { functionId: {} }],
    ['a function id that is a wildcard', { functionId: 'fu-*' }],
    ['a function that does not exist', { functionId: 'fu-0' }],
    ['a call id of another session', { callId: `fc-${'0'.repeat(22)}` }],
    ['no call id', { callId: 5 }],
    ['no inputs', { inputs: {} }],
    ['an input that is null', { inputs: [null] }],
    ['an index below zero', { inputs: [{ inputId: newId('in'), index: -1, args: new Uint8Array() }] }],
    ['a method that objects inherit', { method: 'constructor' }],
    ['an unknown kind', { kind: '__proto__' }],
  ])('reject a submit with %s', async (_wrong, change) => {
    const { functionId } = (await (await ask('/v1/apps/hostile/functions/plusOne')).json()) as {
      functionId: string;
    };
    const inputs = [{ inputId: newId('in'), index: 0, args: new Uint8Array() }];

    const { messages } = await exchangeFrame(platform, (key) =>
      encodeFrame([
        { type: 'submit', callId: newCallId(key), functionId, method: '', kind: 'remote', inputs, ...change },
      ]),
    );

    expect(messages.at(-1)).toMatchObject({ type: 'rejected' });
    expect(problemCode(messages.at(-1)?.['error'])).toMatch(/^(INVALID_ARGUMENT|NOT_FOUND)$/);
  });

  async function submitInputs(inputs: object[]): Promise<Record<string, unknown> | undefined> {
    const { functionId } = (await (await ask('/v1/apps/hostile/functions/plusOne')).json()) as {
      functionId: string;
    };
    const { messages } = await exchangeFrame(platform, (key) =>
      encodeFrame([
        { type: 'submit', callId: newCallId(key), functionId, method: '', kind: 'remote', inputs },
      ]),
    );
    return messages.find(({ type }) => type === 'rejected' || type === 'output');
  }

  test('reject two inputs of one id', async () => {
    const inputId = newId('in');

    const answer = await submitInputs([0, 1].map((index) => ({ inputId, index, args: new Uint8Array() })));

    expect(answer).toMatchObject({ type: 'rejected', error: { code: 'INVALID_ARGUMENT' } });
  });

  test('reject 100,000 inputs at once', async () => {
    const inputs = Array.from({ length: 100_000 }, (_, index) => ({
      inputId: newId('in'),
      index,
      args: new Uint8Array(),
    }));

    expect(await submitInputs(inputs)).toMatchObject({
      type: 'rejected',
      error: { code: 'RESOURCE_EXHAUSTED' },
    });
  });

  test('fail an input whose arguments are in no blob, once', async () => {
    const args = { blob: valueName(`sha256-${'0'.repeat(64)}`, Date.now()), sizeBytes: 5 };

    const answer = await submitInputs([{ inputId: newId('in'), index: 0, args }]);

    expect(answer).toMatchObject({
      type: 'output',
      outcome: { type: 'failure', failure: { code: 'NOT_FOUND' } },
    });
  });

  test('that vanish leave nothing open', async () => {
    const before = await openFiles();
    const url = `${platform.ready.serverUrl.replace('http', 'ws')}/v1/session`;
    for (let round = 0; round < 20; round++) {
      const sockets = Array.from(
        { length: 50 },
        () => new WebSocket(`${url}?key=${newSessionKey()}`, { headers: { authorization } }),
      );
      await Promise.all(sockets.map((socket) => once(socket, 'open')));
      for (const socket of sockets) socket.terminate();
    }

    await waitUntil(async () => (await openFiles()) < before + 20, { timeoutMs: 30_000 });
  });
});

describe('the gateway', () => {
  const tls = (text: string, serverName?: string) =>
    sendRawTls(platform.ready.gatewayUrl, text, {
      caPath: platform.ready.caPath,
      ...(serverName === undefined ? {} : { serverName }),
    });
  const hostOf = (method: string) => new URL(endpoint(method)).hostname;

  test.each(gatewayRequests(hostOf))('answers %s', async (_what, text, status) => {
    expect(statusOf(await tls(text()))).toBe(status);
  });

  test('goes by the host, whatever name the handshake had', async () => {
    for (const name of [undefined, 'other.gantry.localhost', 'a_b..c']) {
      expect(statusOf(await tls(request('GET /', hostOf('read')), name))).toBe(200);
    }
  });

  test('sends plain HTTP to the HTTPS address, and closes what is neither', async () => {
    expect(statusOf(await sendRaw(platform.ready.gatewayUrl, request('GET /', hostOf('read'))))).toBe(308);
    expect(statusOf(await sendRaw(platform.ready.gatewayUrl, '\u0000garbage'))).toBe(0);
  });

  test('serves others beside 2,000 connections that say nothing', async () => {
    const before = await openFiles();
    const port = Number(new URL(platform.ready.gatewayUrl).port);
    const silent = Array.from({ length: 2_000 }, () =>
      connect(port, '127.0.0.1').on('error', () => undefined),
    );
    await Promise.all(silent.map((socket) => once(socket, 'connect')));

    expect(statusOf(await tls(request('GET /', hostOf('read'))))).toBe(200);

    await waitUntil(async () => (await openFiles()) < before + 20, { timeoutMs: 60_000 });
    for (const socket of silent) socket.destroy();
  });
});

describe('user code', () => {
  test.each<[name: string, error: object]>([
    ['symbol', { code: 'SERIALIZATION_FAILED' }],
    ['thrown undefined', { code: 'FUNCTION_FAILED', message: 'the function threw undefined' }],
    ['thrown null', { code: 'FUNCTION_FAILED' }],
    ['thrown text', { code: 'FUNCTION_FAILED' }],
    ['thrown frozen error', { message: 'frozen' }],
    ['throwing message', { name: 'Error' }],
    ['throwing cause', { message: 'outer' }],
    ['thrown proxy', { name: 'Error' }],
    ['proxy result', { message: 'touched' }],
    ['throwing then', { message: 'then throws' }],
    ['101 MB result', { code: 'REQUEST_TOO_LARGE' }],
    ['300 MB result', { code: 'REQUEST_TOO_LARGE' }],
    ['300 MB error', { message: 'large' }],
    ['exit in the middle', { code: 'CONTAINER_FAILED' }],
    ['unhandled rejection', { message: 'nobody waits' }],
  ])('fails for %s, and says why', async (name, error) => {
    await expect(remote<typeof trick>('trick').remote(name)).rejects.toMatchObject(error);
  });

  test('fails when it takes memory without end, at its limit', async () => {
    await expect(remote<typeof hoard>('hoard').remote()).rejects.toMatchObject({
      name: 'OutOfMemoryError',
      code: 'OUT_OF_MEMORY',
    });
  });

  test.each(['300 MB line', 'stdout flood', 'stdout deleted', 'globals replaced'])(
    'outlives %s',
    async (name) => {
      await remote<typeof trick>('trick').remote(name);
    },
  );

  test('is killed when it spins, and others go on', async () => {
    const fn = remote<typeof spin>('spin');

    const [spinning, other] = await Promise.allSettled([fn.remote(true), fn.remote(false)]);

    expect(spinning).toMatchObject({ status: 'rejected', reason: { code: 'FUNCTION_TIMED_OUT' } });
    expect(other).toMatchObject({ status: 'fulfilled', value: 'ended' });
  });

  test('never sees arguments above the limit', async () => {
    await expect(remote<typeof echo>('echo').remote(new Uint8Array(101_000_000))).rejects.toMatchObject({
      code: 'REQUEST_TOO_LARGE',
    });
  });

  test('gets arguments that contain themselves', async () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;

    const back = (await remote<typeof echo>('echo').remote(cycle)) as typeof cycle;

    expect(back.self).toBe(back);
  });
});
