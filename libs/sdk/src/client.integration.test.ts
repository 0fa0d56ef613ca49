import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import {
  AuthError,
  ClientClosedError,
  ConnectionError,
  GantryTimeoutError,
  LIMITS,
  NotFoundError,
  RequestSizeError,
} from '@gantry/protocol';
import { TcpProxy, waitUntil } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Client } from './client.ts';
import { findConnection } from './connection-settings.ts';
import { FunctionCall } from './function-call.ts';
import { RemoteFunction } from './remote-function.ts';
import { SessionServer } from './session-server.fixture.ts';

let server: SessionServer;
let client: Client;

beforeEach(async () => {
  server = await new SessionServer().start();
  client = new Client({ serverUrl: server.url, token: server.token });
  server.functions.set('square', (x: number) => x * x);
});
afterEach(async () => {
  await client.close();
  await server.stop();
});

const square = () => RemoteFunction.fromName<(x: number) => number>('maths', 'square', { client });

describe('calls over a session', () => {
  it('return results, with one connection for all', async () => {
    const handle = square();
    const results = await Promise.all(Array.from({ length: 300 }, (_, x) => handle.remote(x)));
    expect(results).toEqual(Array.from({ length: 300 }, (_, x) => x * x));
    expect(server.keys).toHaveLength(1);
    expect(server.keys[0]).toMatch(/^[0-9A-Za-z]{6}$/);
  });

  it('that are made in one turn travel in one frame', async () => {
    const handle = square();
    await handle.remote(1);
    const before = server.frames;
    const settle = async (x: number) => handle.remote(await handle.remote(x));
    await Promise.all(Array.from({ length: 50 }, (_, x) => settle(x)));
    expect(server.frames - before).toBeLessThan(52);
    const burst = server.frames;
    await Promise.all(Array.from({ length: 50 }, (_, x) => handle.remote(x)));
    expect(server.frames - burst).toBe(1);
  });

  it('map lazily over the session', async () => {
    const results: number[] = [];
    for await (const result of square().map(Array.from({ length: 2_500 }, (_, i) => i))) results.push(result);
    expect(results).toEqual(Array.from({ length: 2_500 }, (_, i) => i * i));
  });

  it('carry large arguments and results through the blob store', async () => {
    server.functions.set('double', (bytes: Uint8Array) =>
      new Uint8Array(bytes.length * 2).fill(bytes[0] ?? 0),
    );
    const double = RemoteFunction.fromName<(b: Uint8Array) => Uint8Array>('maths', 'double', { client });
    const bytes = new Uint8Array(LIMITS.inlinePayloadBytes + 1).fill(7);
    const result = await double.remote(bytes);
    expect(result.length).toBe(2 * bytes.length);
    expect(result[result.length - 1]).toBe(7);
    expect(server.blobs.size).toBe(2);
  });

  it('refuse arguments above 100 MB before sending anything', async () => {
    const handle = RemoteFunction.fromName<(b: Uint8Array) => void>('maths', 'square', { client });
    await expect(handle.remote(new Uint8Array(LIMITS.payloadBytes))).rejects.toThrow(RequestSizeError);
    expect(server.keys).toEqual([]);
  });

  it('fail with NotFoundError when the function is not there', async () => {
    const missing = RemoteFunction.fromName('maths', 'missing', { client });
    await expect(missing.remote()).rejects.toThrow(NotFoundError);
    await expect(missing.hydrate()).rejects.toThrow(NotFoundError);
  });
});

/** A server, and a client that reaches it over a network which can be broken. */
async function farAway() {
  const farServer = await new SessionServer().start();
  farServer.functions.set('square', (x: number) => x * x);
  const proxy = await TcpProxy.open(farServer.port);
  const farClient = new Client({ serverUrl: `http://127.0.0.1:${proxy.port}`, token: farServer.token });
  return {
    ...{ farServer, farClient, proxy },
    square: RemoteFunction.fromName<(x: number) => number>('maths', 'square', { client: farClient }),
    async [Symbol.asyncDispose]() {
      await farClient.close();
      await proxy.close();
      await farServer.stop();
    },
  };
}

// Each waits for seconds of silence.
describe.concurrent('a connection whose other end is gone without a word', () => {
  it('is given up and made again', async () => {
    await using far = await farAway();
    far.farServer.holdOutputs = true;
    const result = far.square.remote(3);
    await waitUntil(() => far.farServer.runs === 1);
    far.proxy.lose();
    expect(await result).toBe(9);
  });

  it('is given up while it opens, too', async () => {
    await using far = await farAway();
    await far.square.hydrate();
    far.proxy.hold();
    const result = far.square.remote(3);
    await delay(100);
    far.proxy.lose();
    far.proxy.heal();
    expect(await result).toBe(9);
  });

  it('is given up when a plain request waits for an answer on it', async () => {
    await using far = await farAway();
    await far.farClient.hello();
    far.proxy.lose();
    expect(await far.square.remote(3)).toBe(9);
  });
});

describe('a lost connection', () => {
  it('is made again with the same key, and outputs of accepted inputs are asked for', async () => {
    server.holdOutputs = true;
    const result = square().remote(3);
    await expect.poll(() => server.runs).toBe(1);
    server.cut();
    expect(await result).toBe(9);
    expect(server.keys).toHaveLength(2);
    expect(server.keys[0]).toBe(server.keys[1]);
    expect(server.runs).toBe(1);
    expect(server.count('await')).toBe(1);
  });

  it('makes inputs that were not accepted go out again, once each', async () => {
    await square().remote(1);
    server.losing.add('submit');
    const results = Promise.all([square().remote(3), square().remote(4)]);
    await expect.poll(() => server.count('submit')).toBe(3);
    server.losing.clear();
    server.cut();
    expect(await results).toEqual([9, 16]);
    expect(server.runs).toBe(3);
  });

  it('does not disturb a map', async () => {
    let cuts = 0;
    const results: number[] = [];
    for await (const result of square().map(Array.from({ length: 3_000 }, (_, i) => i))) {
      if (results.push(result) % 700 === 0) {
        cuts++;
        server.cut();
      }
    }
    expect(cuts).toBe(4);
    expect(results).toEqual(Array.from({ length: 3_000 }, (_, i) => i * i));
    expect(server.runs).toBe(3_000);
  });

  it('is survived while the server restarts', async () => {
    server.holdOutputs = true;
    const result = square().remote(5);
    await expect.poll(() => server.runs).toBe(1);
    const { port } = server;
    await server.stop();
    await new Promise((resolve) => setTimeout(resolve, 200));
    await server.start(port);
    expect(await result).toBe(25);
  });

  it('is not made again while nothing is open', async () => {
    await square().remote(1);
    server.cut();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(server.keys).toHaveLength(1);
    expect(await square().remote(2)).toBe(4);
    expect(server.keys).toHaveLength(2);
  });
});

describe('a spawned call', () => {
  it('is found by its id from another client', async () => {
    const call = await square().spawn(6);
    await using other = new Client({ serverUrl: server.url, token: server.token });
    const opened = FunctionCall.fromId<number>(call.id, { client: other });
    expect(await opened.get()).toBe(36);
    expect(await opened.get({ timeoutMs: 0 })).toBe(36);
    expect(await FunctionCall.gather(call, opened)).toEqual([36, 36]);
  });

  it('that has not ended times out without being lost', async () => {
    let finish: (value: number) => void = () => undefined;
    server.functions.set('slow', () => new Promise((resolve) => (finish = resolve)));
    const call = await RemoteFunction.fromName<() => number>('maths', 'slow', { client }).spawn();
    await expect(call.get({ timeoutMs: 0 })).rejects.toThrow('has not ended yet');
    await expect(call.get({ timeoutMs: 20 })).rejects.toThrow(GantryTimeoutError);
    const aborted = call.get({ signal: AbortSignal.timeout(20) });
    await expect(aborted).rejects.toMatchObject({ name: 'TimeoutError' });
    const result = call.get();
    finish(7);
    expect(await result).toBe(7);
  });

  it('that does not exist is a NotFoundError', async () => {
    const call = FunctionCall.fromId('fc-0123456789abcdefghijkl', { client });
    await expect(call.get()).rejects.toThrow(NotFoundError);
  });

  it('is cancelled on demand', async () => {
    server.functions.set('slow', () => new Promise(() => undefined));
    const call = await RemoteFunction.fromName<() => void>('maths', 'slow', { client }).spawn();
    await call.cancel({ terminateContainers: true });
    expect(server.received.at(-1)).toMatchObject({
      type: 'cancel',
      callId: call.id,
      terminateContainers: true,
    });
  });
});

describe('a client', () => {
  it('says hello', async () => {
    expect(await client.hello()).toMatchObject({ serverId: 'se-1', workspace: 'local' });
  });

  it('with a wrong token gets an AuthError', async () => {
    await using stranger = new Client({ serverUrl: server.url, token: 'wrong' });
    await expect(stranger.hello()).rejects.toThrow(AuthError);
    // Past the lookup, the session itself refuses too.
    stranger.holdApp('ap-1');
    const call = FunctionCall.fromId('fc-0123456789abcdefghijkl', { client: stranger });
    await expect(call.get()).rejects.toThrow(AuthError);
  });

  it('without a server gets a ConnectionError that says what to do', async () => {
    await server.stop();
    await expect(square().remote(1)).rejects.toMatchObject({
      name: 'ConnectionError',
      hint: 'Start the platform: gantry up',
    });
    await expect(FunctionCall.fromId('fc-0123456789abcdefghijkl', { client }).get()).rejects.toThrow(
      ConnectionError,
    );
  });

  it('that is closed refuses calls, open ones included', async () => {
    server.functions.set('slow', () => new Promise(() => undefined));
    const slow = RemoteFunction.fromName<() => void>('maths', 'slow', { client }).remote();
    await expect.poll(() => server.runs).toBe(1);
    await client.close();
    await expect(slow).rejects.toThrow(ClientClosedError);
    await expect(client.hello()).rejects.toThrow(ClientClosedError);
    expect(() => square()).toThrow(ClientClosedError);
  });

  it('says again after a reconnect which app it keeps alive', async () => {
    const release = client.holdApp('ap-held');
    await expect.poll(() => server.count('hold')).toBe(1);
    server.cut();
    await expect.poll(() => server.count('hold')).toBe(2);
    release();
  });
});

describe('the settings of the default client', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-sdk-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('come from the environment, and else from connection.json', async () => {
    const file = {
      serverUrl: 'http://127.0.0.1:1/',
      token: 'from-file',
      environment: 'dev',
      workspace: 'local',
    };
    await writeFile(join(folder, 'connection.json'), JSON.stringify(file));
    const env = { GANTRY_DATA_DIR: folder };
    expect(findConnection(env)).toEqual({
      serverUrl: 'http://127.0.0.1:1',
      token: 'from-file',
      environment: 'dev',
      workspace: 'local',
    });
    expect(findConnection({ ...env, GANTRY_TOKEN: 't', GANTRY_ENVIRONMENT: 'main' })).toEqual({
      serverUrl: 'http://127.0.0.1:1',
      token: 't',
      environment: 'main',
      workspace: 'local',
    });
    const complete = {
      ...env,
      GANTRY_SERVER_URL: 'https://g.example.org',
      GANTRY_TOKEN: 't',
      GANTRY_ENVIRONMENT: 'main',
    };
    expect(findConnection(complete)).toEqual({
      serverUrl: 'https://g.example.org',
      token: 't',
      environment: 'main',
    });
  });

  it('that are missing or wrong say what to do', async () => {
    const env = { GANTRY_DATA_DIR: folder };
    const withUrl = { ...env, GANTRY_SERVER_URL: 'http://127.0.0.1:1' };
    expect(() => findConnection(env)).toThrow(ConnectionError);
    expect(() => findConnection(withUrl)).toThrow(AuthError);
    expect(() => findConnection({ GANTRY_SERVER_URL: 'localhost', GANTRY_TOKEN: 't' })).toThrow('not valid');
    await writeFile(join(folder, 'connection.json'), '{');
    expect(() => findConnection(env)).toThrow('is not valid JSON');
  });
});

describe('a program', () => {
  async function run(script: string): Promise<{ code: number | null; output: string }> {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: import.meta.dirname,
      env: { ...process.env, GANTRY_SERVER_URL: server.url, GANTRY_TOKEN: server.token },
      timeout: 20_000,
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { code, output };
  }

  it('ends by itself when its calls have ended, and not before', async () => {
    server.functions.set('late', () => new Promise((resolve) => setTimeout(() => resolve('late'), 300)));
    const { code, output } = await run(`
      import { RemoteFunction } from 'gantry';
      RemoteFunction.fromName('maths', 'late').remote().then(console.log);
    `);
    expect(output).toBe('late\n');
    expect(code).toBe(0);
  });

  it('is warned of a map whose results it never reads, dropped or kept', async () => {
    const { output } = await run(`
      import { setFlagsFromString } from 'node:v8';
      import { runInNewContext } from 'node:vm';
      import { RemoteFunction } from 'gantry';
      setFlagsFromString('--expose-gc');
      const square = RemoteFunction.fromName('maths', 'square');
      square.starmap([[1]]);
      await new Promise(setImmediate);
      runInNewContext('gc')();
      await new Promise(setImmediate);
      console.log('dropped');
      globalThis.kept = square.map([1]);
      for await (const _ of square.map([1]));
    `);
    expect(output).toMatch(/results of square\.starmap were never read[^]*dropped/);
    expect(output).toMatch(/dropped[^]*nothing ran: the results of square\.map were never read/);
    expect(output.match(/never read/g)).toHaveLength(2);
  });
});
