import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import { REPOSITORY } from '../../platform.ts';

const CLI = join(REPOSITORY, 'dist/cli.mjs');
const RESTART_PAUSE_MS = 200;
const SUPERVISE_MS = 60_000;

type Child = ChildProcessByStdio<null, Readable, null>;

// A test that is interrupted must not leave a platform behind.
const running = new Set<Child>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface PartOptions {
  name: string;
  /** After `gantry`. */
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Takes what the program writes to its standard error, over all its starts. */
  logPath: string;
}

/** One program of the platform in a process of its own, which a test may kill, pause and start again. */
export class Part {
  readonly name: string;
  /** How the program ended when nobody had asked it to. */
  readonly crashes: string[] = [];
  readonly #options: PartOptions;
  #child: Child | undefined;
  #ready: Record<string, string> = {};

  constructor(options: PartOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** What the program said about itself when it was ready. */
  get ready(): Readonly<Record<string, string>> {
    return this.#ready;
  }

  /**
   * Starts the program and waits until it says that it is ready.
   *
   * @throws Error if it ends before.
   */
  async start(): Promise<void> {
    const { args, env, logPath } = this.#options;
    const log = openSync(logPath, 'a');
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', log], env }) as Child;
    closeSync(log);
    this.#child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`gantry ${this.name} ended with ${code} before it was ready: see ${logPath}`);
    });
    const lines = createInterface(child.stdout);
    const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string];
    ended.catch(() => undefined);
    this.#ready = JSON.parse(line) as Record<string, string>;
    child.once('exit', (code, signal) => {
      if (this.#child === child) this.crashes.push(`${this.name} ended by itself: ${code ?? signal}`);
    });
  }

  /**
   * Starts it as a supervisor does, again and again: it ends at once while it cannot reach nats-server.
   *
   * @throws Error if it does not come up within a minute.
   */
  async supervise(): Promise<void> {
    const untilMs = Date.now() + SUPERVISE_MS;
    for (;;) {
      try {
        return await this.start();
      } catch (error) {
        if (Date.now() > untilMs) throw error;
        await delay(RESTART_PAUSE_MS);
      }
    }
  }

  /** What the kernel does when memory runs out, or a machine loses power: no goodbye. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}
