import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

import { encodeValue, type RunnerToWorker, type WorkerToRunner } from '@gantry/protocol';

import { FrameChannel } from './frame-channel.ts';

export interface LoadOptions {
  enter?: string[];
  exit?: string[];
  /** Source text before the registration. */
  before?: string;
  map?: string;
}

/** A runner as its worker sees it. */
export class RunnerProcess implements Disposable {
  readonly process: ChildProcess;
  readonly folder = mkdtempSync(join(tmpdir(), 'gantry-runner-'));
  readonly heard: RunnerToWorker[] = [];
  readonly channel: FrameChannel<RunnerToWorker, WorkerToRunner>;
  raw = '';
  /** Everything that it said has been heard. */
  closed = false;
  #changed: () => void = () => undefined;

  constructor() {
    const env = { PATH: process.env['PATH'], GANTRY_COMPILE_CACHE: join(this.folder, 'cache') };
    const stdio = ['ignore', 'pipe', 'pipe', 'pipe'] as const;
    this.process = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
      stdio: [...stdio],
      env,
      cwd: this.folder,
    });
    this.process.stdout?.on('data', (text) => this.#hear(() => (this.raw += String(text))));
    this.channel = new FrameChannel(this.process.stdio[3] as Duplex);
    const onMessage = (message: RunnerToWorker): void => this.#hear(() => this.heard.push(message));
    this.channel.listen({ onMessage, onClose: () => this.#hear(() => (this.closed = true)) });
  }

  /** Loads a bundle that registers one class with these members. */
  load(members: string, options: LoadOptions = {}): void {
    const path = join(this.folder, 'bundle.mjs');
    const enter = JSON.stringify((options.enter ?? []).map((name) => ({ name, snap: false })));
    const exit = JSON.stringify((options.exit ?? []).map((name) => ({ name })));
    const methods = `Object.getOwnPropertyNames(Job.prototype).map((name) => ({ name, callable: true }))`;
    writeFileSync(
      path,
      `class Job { ${members} }\n${options.before ?? ''}
      (globalThis[Symbol.for('gantry.apps')] ??= []).push({ name: 'a', entrypoints: [], functions: [
        { kind: 'class', name: 'Job', options: {}, target: Job, methods: ${methods}, enter: ${enter}, exit: ${exit}, parameters: [] }] });
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
        httpSocketPath: join(this.folder, 'http.sock'),
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

  /** Hands over an input; its id is `in-` and the method's name. */
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

  [Symbol.dispose](): void {
    this.process.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A runner that has loaded a class with these members. */
export async function startedRunner(members: string, options: LoadOptions = {}): Promise<RunnerProcess> {
  const runner = new RunnerProcess();
  await runner.first('hello');
  runner.load(members, options);
  await runner.first('ready');
  return runner;
}
