import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { join } from 'node:path';

import { decodeValue, encodeValue, newCallId, newId, newSessionKey, registryKeys } from '@gantry/protocol';
import { temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bundleRunner, WorkerUnderTest } from './worker-under-test.ts';

let folder: TemporaryDirectory;
let platform: WorkerUnderTest;

beforeAll(async () => {
  folder = await temporaryDirectory('gantry-runner-');
  platform = await WorkerUnderTest.start(await bundleRunner(folder.path));
});
afterAll(async () => {
  await platform?.[Symbol.asyncDispose]();
  await folder?.remove();
});

/** Source text of a free function. */
const freeFunction = (name: string, code: string): string =>
  `{ kind: 'function', name: '${name}', fn: ${code} }`;

const outcomeOf = async (call: { output(index?: number): Promise<{ outcome: unknown }> }): Promise<unknown> =>
  (await call.output()).outcome;

async function get(socketPath: string): Promise<{ status: number | undefined; body: string }> {
  const request = httpGet({ socketPath, path: '/', headers: { host: 'greet.localhost' } });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, body };
}

describe('a worker', () => {
  it('runs a call and acknowledges its input', async () => {
    const record = await platform.deploy(freeFunction('square', 'async (x) => x * x'));
    await platform.startContainer(record);
    const call = await platform.submit(record, '', [[7], [8]]);
    expect(await call.value(0)).toBe(49);
    expect(await call.value(1)).toBe(64);
    await waitUntil(async () => (await platform.messaging.inputs.openInputs(call.callId)) === 0);
  });

  it('runs inputs that were submitted before there was a container', async () => {
    const record = await platform.deploy(freeFunction('late', 'async (x) => x + 1'));
    const call = await platform.submit(record, '', [[1], [2], [3]]);
    await platform.startContainer(record);
    expect(await Promise.all([0, 1, 2].map((index) => call.value(index)))).toEqual([2, 3, 4]);
  });

  it('builds a class with its parameters, runs enter hooks before and exit hooks after', async () => {
    const trace = join(folder.path, 'hooks.txt');
    const record = await platform.deploy(`{ kind: 'class', name: 'Ocr',
      target: class {
        constructor() { this.lang = 'eng'; }
        async load() { this.loaded = 'loaded ' + this.lang; }
        snapshot() { this.order = ['snap']; }
        read(page) { return this.loaded + ' ' + page + ' ' + this.order.join(); }
        async first() { (await import('node:fs')).appendFileSync(${JSON.stringify(trace)}, 'first '); }
        async second() { throw new Error('exit failed'); }
        async third() { (await import('node:fs')).appendFileSync(${JSON.stringify(trace)}, 'third '); }
      },
      methods: [{ name: 'read', callable: true }],
      enter: [{ name: 'load', snap: false }, { name: 'snapshot', snap: true }],
      exit: [{ name: 'first' }, { name: 'second' }, { name: 'third' }],
      parameters: [{ name: 'lang', hasDefault: true }] }`);
    const containerId = await platform.startContainer(record, { lang: 'deu' });
    const call = await platform.submit(record, 'read', [['p1']]);
    expect(await call.value()).toBe('loaded deu p1 snap');
    await platform.command({ type: 'stop', fence: 1, containerId, reason: 'scale down' });
    await waitUntil(() => platform.container(containerId)?.state === 'stopped');
    expect(platform.container(containerId)?.exit).toMatchObject({ reason: 'stopped', code: 0 });
    expect(readFileSync(trace, 'utf8')).toBe('third first ');
    const logs = await platform.logsWith(record, (entry) => entry.text.includes('exit failed'));
    expect(logs.some((entry) => entry.stream === 'system')).toBe(true);
  });

  it('runs an input again when its container is killed, and stores exactly one output', async () => {
    const trace = join(folder.path, 'runs.txt');
    const record = await platform.deploy(
      freeFunction(
        'frail',
        `async () => {
          const fs = await import('node:fs');
          fs.appendFileSync(${JSON.stringify(trace)}, process.pid + ' ');
          const runs = fs.readFileSync(${JSON.stringify(trace)}, 'utf8').trim().split(' ');
          if (runs.length === 1) await new Promise((resolve) => setTimeout(resolve, 600_000));
          return runs.length;
        }`,
      ),
    );
    await platform.startContainer(record);
    const call = await platform.submit(record, '', [[]]);
    await waitUntil(() => existsSync(trace) && readFileSync(trace, 'utf8').length > 0);
    await platform.startContainer(record);
    process.kill(Number(readFileSync(trace, 'utf8').trim()), 'SIGKILL');
    expect(await call.value()).toBe(2);
    const { attempt } = await call.output();
    expect(attempt).toBe(0);
    await waitUntil(async () => (await platform.messaging.inputs.openInputs(call.callId)) === 0);
    expect(call.published).toHaveLength(1);
  });

  it('fails an input that ends its container again and again', async () => {
    const record = await platform.deploy(
      freeFunction('poison', "() => process.kill(process.pid, 'SIGKILL')"),
    );
    const call = await platform.submit(record, '', [[]]);
    let containers = 0;
    const ended = async (): Promise<void> => {
      const id = newId('ta');
      containers++;
      await platform.command({
        type: 'start',
        fence: 1,
        containerId: id,
        pool: record.id,
        parameters: {},
        record,
      });
      await waitUntil(() => platform.container(id)?.state === 'stopped', { timeoutMs: 20_000 });
    };
    while (call.published.length === 0 && containers < 10) await ended();
    expect(await outcomeOf(call)).toMatchObject({ type: 'failure', failure: { name: 'ContainerError' } });
    expect(containers).toBe(4);
  });

  it('never gives a container more inputs at once than it has places', async () => {
    const record = await platform.deploy(
      freeFunction(
        'counted',
        `async () => {
          globalThis.now = (globalThis.now ?? 0) + 1;
          globalThis.most = Math.max(globalThis.most ?? 0, globalThis.now);
          await new Promise((resolve) => setTimeout(resolve, 5));
          globalThis.now--;
          return globalThis.most;
        }`,
      ),
      { maxInputs: 4 },
    );
    await platform.startContainer(record);
    const call = await platform.submit(
      record,
      '',
      Array.from({ length: 40 }, () => []),
    );
    const seen = await Promise.all(Array.from({ length: 40 }, (_, index) => call.value(index)));
    expect(Math.max(...(seen as number[]))).toBe(4);
  });

  it('retries user errors by policy, then answers with the last error', async () => {
    const record = await platform.deploy(
      freeFunction(
        'failing',
        "() => { globalThis.tries = (globalThis.tries ?? 0) + 1; throw new RangeError('try ' + globalThis.tries); }",
      ),
      { retries: { maxRetries: 2, initialDelayMs: 20, backoffCoefficient: 1, maxDelayMs: 1_000 } },
    );
    await platform.startContainer(record);
    const call = await platform.submit(record, '', [[]]);
    const { outcome, attempt } = await call.output();
    expect(attempt).toBe(2);
    if (outcome.type !== 'error' || !(outcome.error instanceof Uint8Array)) throw new Error('no error');
    const error = decodeValue(outcome.error);
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).message).toBe('try 3');
    expect(outcome.stack).toContain('bundle.mjs');
    expect(outcome.stack).not.toContain('runner');
  });

  it('tells an input that its time is over, and kills the container if that does not help', async () => {
    const record = await platform.deploy(freeFunction('stuck', '() => new Promise(() => undefined)'), {
      timeoutMs: 200,
    });
    const containerId = await platform.startContainer(record);
    const call = await platform.submit(record, '', [[]]);
    expect(await outcomeOf(call)).toMatchObject({
      type: 'failure',
      failure: { name: 'FunctionTimeoutError' },
    });
    await waitUntil(() => platform.container(containerId)?.state === 'stopped');
    expect(platform.container(containerId)?.exit).toMatchObject({ reason: 'timeout', signal: 'SIGKILL' });
  });

  it('leaves the container alive when the code obeys its AbortSignal', async () => {
    const record = await platform.deploy(
      freeFunction(
        'obedient',
        `(ms) => new Promise((resolve, reject) => {
          const { signal } = globalThis[Symbol.for('gantry.host')].currentInput();
          const timer = setTimeout(() => resolve('done'), ms);
          signal.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason); });
        })`,
      ),
      { timeoutMs: 200 },
    );
    const containerId = await platform.startContainer(record);
    const call = await platform.submit(record, '', [[60_000]]);
    expect(await outcomeOf(call)).toMatchObject({
      type: 'failure',
      failure: { name: 'FunctionTimeoutError' },
    });
    const next = await platform.submit(record, '', [[1]]);
    expect(await next.value()).toBe('done');
    expect(platform.container(containerId)?.state).toBe('ready');
  });

  it('ends the inputs of a cancelled call', async () => {
    const record = await platform.deploy(
      freeFunction('endless', '() => new Promise(() => setTimeout(() => undefined, 600_000))'),
    );
    const containerId = await platform.startContainer(record);
    const call = await platform.submit(record, '', [[]]);
    await waitUntil(() => platform.container(containerId)?.running === 1);
    platform.messaging.publish('gantry.cancel', { callId: call.callId, terminateContainers: true });
    expect(await outcomeOf(call)).toMatchObject({ type: 'failure', failure: { name: 'InputCancellation' } });
    await waitUntil(() => platform.container(containerId)?.exit?.reason === 'killed');
  });

  it('keeps the log of a container, with the input that wrote each line', async () => {
    const record = await platform.deploy(
      freeFunction(
        'chatty',
        "async (word) => { await null; console.log('said', word); console.error('moaned'); }",
      ),
      { maxInputs: 2 },
    );
    await platform.startContainer(record);
    const call = await platform.submit(record, '', [['a'], ['b']]);
    await Promise.all([call.output(0), call.output(1)]);
    const entries = await platform.logsWith(record, (entry) => entry.text === 'said b');
    const said = (text: string): unknown => entries.find((entry) => entry.text === text);
    expect(said('said a')).toMatchObject({
      stream: 'stdout',
      inputId: call.inputIds[0],
      functionName: 'chatty',
    });
    expect(said('said b')).toMatchObject({ stream: 'stdout', inputId: call.inputIds[1] });
    expect(said('moaned')).toMatchObject({ stream: 'stderr' });
  });

  it('moves large arguments and results through the blob store', async () => {
    const record = await platform.deploy(freeFunction('echo', '(bytes) => bytes'));
    await platform.startContainer(record);
    const bytes = new Uint8Array(2_000_000).fill(7);
    const stored = await platform.blobs.putValue(encodeValue([bytes]));
    const call = await platform.submit(record, '', []);
    await platform.messaging.inputs.submit(record.id, {
      ...{
        inputId: newId('in'),
        callId: call.callId,
        index: 0,
        functionId: record.id,
        method: '',
        attempt: 0,
      },
      args: { blob: stored.name, sizeBytes: stored.sizeBytes },
    });
    const { outcome } = await call.output();
    if (outcome.type !== 'value' || outcome.value instanceof Uint8Array) throw new Error('no blob');
    expect(decodeValue(await platform.blobs.getBytes(outcome.value.blob))).toEqual(bytes);
  });

  it('makes the calls of the code in its containers', async () => {
    const inner = await platform.deploy(freeFunction('inner', '(x) => x * 3'));
    await platform.messaging.registry.put(registryKeys.function(inner.id), inner);
    const outer = await platform.deploy(
      freeFunction(
        'outer',
        `async (app, call, args) => {
          const host = globalThis[Symbol.for('gantry.host')];
          const { functionId } = await host.lookup(app, 'inner');
          const heard = [];
          const output = new Promise((resolve, reject) => host.onMessage((message) => {
            heard.push(message.type);
            if (message.type === 'rejected') reject(new Error(message.error.message));
            if (message.type === 'output') resolve(message.outcome.value);
          }));
          const inputs = [{ inputId: call.inputId, index: 0, args }];
          host.send({ type: 'submit', callId: call.callId, functionId, method: '', kind: 'remote', inputs });
          return { value: await output, heard };
        }`,
      ),
    );
    await platform.startContainer(inner);
    await platform.startContainer(outer);
    const nested = { callId: newCallId(newSessionKey()), inputId: newId('in') };
    const call = await platform.submit(outer, '', [[inner.appId, nested, encodeValue([14])]]);
    const { value, heard } = (await call.value()) as { value: Uint8Array; heard: string[] };
    expect(decodeValue(value)).toBe(42);
    expect(heard).toContain('accepted');
  });

  it('serves HTTP on the socket of a container, and counts its requests', async () => {
    const record = await platform.deploy(freeFunction('greet', "async () => ({ hello: 'web' })"));
    const [method] = record.spec.methods;
    if (!method) throw new Error('no method');
    method.web = { type: 'endpoint', method: 'GET', docs: false };
    const containerId = await platform.startContainer(record);
    const socketPath = platform.container(containerId)?.httpSocketPath ?? '';
    const answer = await get(socketPath);
    expect(answer).toEqual({ status: 200, body: '{"hello":"web"}' });
    await waitUntil(() => platform.container(containerId)?.running === 0);
    await platform.command({ type: 'stop', fence: 1, containerId, reason: 'test' });
    await waitUntil(() => platform.container(containerId)?.exit?.code === 0);
  });

  it('says which function a container looked up in vain', async () => {
    const record = await platform.deploy(
      freeFunction('seeker', "() => globalThis[Symbol.for('gantry.host')].lookup('nowhere', 'nothing')"),
    );
    await platform.startContainer(record);
    const { outcome } = await (await platform.submit(record, '', [[]])).output();
    expect(outcome).toMatchObject({ type: 'error' });
    expect(outcome.type === 'error' && outcome.stack).toContain('has no function "nothing"');
  });

  it('reports a bundle that fails to load', async () => {
    const record = await platform.deploy(
      freeFunction('broken', "(() => { throw new Error('cannot load') })()"),
    );
    const containerId = newId('ta');
    await platform.command({ type: 'start', fence: 1, containerId, pool: record.id, parameters: {}, record });
    await waitUntil(() => platform.container(containerId)?.state === 'stopped');
    const exit = platform.container(containerId)?.exit;
    expect(exit?.reason).toBe('loadFailed');
    expect(exit?.message).toContain('cannot load');
  });

  it('refuses commands of a scheduler that lost its lease', async () => {
    const record = await platform.deploy(freeFunction('fenced', '() => 1'));
    const order = { containerId: newId('ta'), pool: record.id, parameters: {}, record };
    expect(await platform.command({ type: 'start', fence: 1, ...order })).toEqual({ ok: true });
    const stop = { type: 'stop', containerId: order.containerId, reason: 'test' } as const;
    expect(await platform.command({ ...stop, fence: 5 })).toEqual({ ok: true });
    expect(await platform.command({ ...stop, fence: 4 })).toMatchObject({ ok: false });
  });
});
