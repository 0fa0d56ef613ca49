import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

import { decodeValue, encodeValue, type RunnerToWorker, type WorkerToRunner } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { FrameChannel } from './frame-channel.ts';

let folder: string;
let runner: RunnerProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-runner-'));
});
afterEach(() => {
  runner?.process.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** A runner as its worker sees it. */
class RunnerProcess {
  readonly process: ChildProcess;
  readonly heard: RunnerToWorker[] = [];
  readonly channel: FrameChannel<RunnerToWorker, WorkerToRunner>;
  raw = '';
  #changed: () => void = () => undefined;

  constructor() {
    const env = { PATH: process.env['PATH'], GANTRY_COMPILE_CACHE: join(folder, 'cache') };
    const stdio = ['ignore', 'pipe', 'pipe', 'pipe'] as const;
    this.process = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
      stdio: [...stdio],
      env,
      cwd: folder,
    });
    this.process.stdout?.on('data', (text) => this.#hear(() => (this.raw += String(text))));
    this.channel = new FrameChannel(this.process.stdio[3] as Duplex);
    const onMessage = (message: RunnerToWorker): void => this.#hear(() => this.heard.push(message));
    this.channel.listen({ onMessage, onClose: () => undefined });
  }

  /** Loads a bundle that registers one class with these members. */
  async load(
    members: string,
    options: { exit?: string[]; before?: string; map?: string } = {},
  ): Promise<void> {
    const path = join(folder, 'bundle.mjs');
    const hooks = JSON.stringify((options.exit ?? []).map((name) => ({ name })));
    const methods = `Object.getOwnPropertyNames(Job.prototype).map((name) => ({ name, callable: true }))`;
    writeFileSync(
      path,
      `class Job { ${members} }\n${options.before ?? ''}
      (globalThis[Symbol.for('gantry.apps')] ??= []).push({ name: 'a', entrypoints: [], functions: [
        { kind: 'class', name: 'Job', options: {}, target: Job, methods: ${methods}, enter: [], exit: ${hooks}, parameters: [] }] });
      ${options.map ? `//# sourceMappingURL=bundle.mjs.map` : ''}`,
    );
    if (options.map) writeFileSync(`${path}.map`, options.map);
    const site = { file: 'a.ts', line: 1 };
    this.channel.send({
      ...{ type: 'load', containerId: 'ta-1', appId: 'ap-1', functionId: 'fu-1', environment: 'main' },
      ...{
        bundlePath: path,
        parameters: {},
        env: { GIVEN: 'value' },
        httpSocketPath: '',
        maxInputs: 4,
        urls: {},
      },
      spec: {
        name: 'Job',
        kind: 'class',
        site,
        options: {},
        methods: [],
        parameters: [],
        hooks: { enter: [], exit: [] },
      },
    });
  }

  run(method: string, ...args: unknown[]): void {
    const inputId = `in-${method}`;
    this.channel.send({ type: 'run', inputId, callId: 'fc-1', method, args: encodeValue(args), attempt: 0 });
  }

  /** The first message of a type, once it is there. */
  async first<T extends RunnerToWorker['type']>(type: T): Promise<Extract<RunnerToWorker, { type: T }>> {
    const find = (): RunnerToWorker | undefined => this.heard.find((message) => message.type === type);
    await this.until(() => find() !== undefined, type);
    return find() as Extract<RunnerToWorker, { type: T }>;
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const deadline = AbortSignal.timeout(20_000);
    while (!condition()) {
      if (deadline.aborted) throw new Error(`waited in vain for ${what}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
        setTimeout(resolve, 200);
      });
    }
  }

  async ended(): Promise<{ code: number | null; signal: string | null }> {
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit');
    return { code: this.process.exitCode, signal: this.process.signalCode };
  }

  logs(): string {
    return this.heard.map((message) => (message.type === 'log' ? message.text : '')).join('');
  }

  #hear(note: () => void): void {
    note();
    this.#changed();
  }
}

async function started(
  members: string,
  options: Parameters<RunnerProcess['load']>[1] = {},
): Promise<RunnerProcess> {
  runner = new RunnerProcess();
  await runner.first('hello');
  await runner.load(members, options);
  await runner.first('ready');
  return runner;
}

const SECOND_LINE_OF_SOURCE = '{"version":3,"sources":["../src/job.ts"],"names":[],"mappings":"AACA"}';

describe('a runner process', () => {
  it('says hello, loads, runs and answers', async () => {
    const running = await started('given(x) { return process.env.GIVEN + x; }');
    running.run('given', '!');
    const { outcome } = await running.first('output');
    expect(outcome.type === 'value' && decodeValue(outcome.value as Uint8Array)).toBe('value!');
  });

  it('maps stacks to the sources of the user, without frames of its own', async () => {
    const running = await started('fail() { throw new Error("mapped"); }', { map: SECOND_LINE_OF_SOURCE });
    running.run('fail');
    const { outcome } = await running.first('output');
    const stack = outcome.type === 'error' ? outcome.stack : undefined;
    expect(stack).toContain('src/job.ts:2');
    expect(stack).not.toContain('input-loop');
  });

  it('tags what JavaScript writes with its input, and leaves native output to the pipes', async () => {
    const running = await started(`async speak() {
      await null;
      console.log('tagged');
      (await import('node:fs')).writeSync(1, 'native');
    }`);
    running.run('speak');
    expect(await running.first('log')).toMatchObject({
      stream: 'stdout',
      text: 'tagged\n',
      inputId: 'in-speak',
    });
    await running.until(() => running.raw.includes('native'), 'native output');
    expect(running.raw).toBe('native');
  });

  it('fails the input whose code throws outside its promise, and lives on', async () => {
    const running = await started(`
      stray() { setTimeout(() => { throw new TypeError('stray'); }, 1); return new Promise(() => undefined); }
      fine() { return 1; }`);
    running.run('stray');
    expect((await running.first('output')).outcome).toMatchObject({ type: 'error' });
    running.run('fine');
    await running.until(
      () => running.heard.some((message) => message.type === 'output' && message.inputId === 'in-fine'),
      'fine',
    );
  });

  it('crashes with its last words when code of no input throws', async () => {
    const running = await started('', { before: "setTimeout(() => { throw new Error('homeless'); }, 50);" });
    expect(await running.ended()).toEqual({ code: 1, signal: null });
    await running.until(() => running.logs().includes('homeless'), 'last words');
  });

  it('delivers what was logged before process.exit', async () => {
    const running = await started("leave() { console.log('farewell'); process.exit(4); }");
    running.run('leave');
    expect((await running.ended()).code).toBe(4);
    await running.until(() => running.logs().includes('farewell'), 'the farewell');
  });

  it('reports code that cannot be loaded, and ends', async () => {
    runner = new RunnerProcess();
    await runner.load('', { before: "throw new SyntaxError('not today');" });
    expect(await runner.first('loadFailed')).toMatchObject({ message: 'not today' });
    expect((await runner.ended()).code).toBe(1);
  });

  it.each(['stop', 'SIGTERM'])(
    'finishes what runs and runs exit hooks, last one first, at %s',
    async (how) => {
      const running = await started(
        `async slow() { await new Promise((resolve) => setTimeout(resolve, 100)); return 'done'; }
       one() { console.log('one'); }
       two() { console.log('two'); throw new Error('two failed'); }`,
        { exit: ['one', 'two'] },
      );
      running.run('slow');
      if (how === 'stop') running.channel.send({ type: 'stop', graceMs: 30_000 });
      else setTimeout(() => running.process.kill('SIGTERM'), 50);
      expect(await running.ended()).toEqual({ code: 0, signal: null });
      expect((await running.first('output')).outcome.type).toBe('value');
      await running.until(() => running.logs().includes('one\n'), 'exit hooks');
      expect(running.logs()).toMatch(/two\n.*two failed[^]*one\n/);
    },
  );

  it('ignores SIGINT, and ends at once when its worker is gone', async () => {
    const running = await started('fine() { return 1; }');
    running.process.kill('SIGINT');
    running.run('fine');
    await running.first('output');
    running.channel.close();
    expect((await running.ended()).code).toBe(1);
  });

  it('shows that its event loop turns', async () => {
    const running = await started('');
    expect(await running.first('heartbeat')).toBeDefined();
  });
});
