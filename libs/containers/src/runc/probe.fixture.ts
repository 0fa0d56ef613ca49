import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';

import type { Container, ContainerDriver, StartOptions } from '../container-driver.ts';

// Runs each line that it gets as the body of an async function, and answers with what that returns or throws.
const PROBE = `
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import { createInterface } from 'node:readline';
import { spawn, spawnSync } from 'node:child_process';
const channel = new net.Socket({ fd: 3 });
const AsyncFunction = (async () => {}).constructor;
globalThis.connects = (target) => new Promise((resolve) => {
  const socket = net.connect(target, () => resolve('connected'));
  socket.on('error', (error) => resolve(error.code));
  socket.setTimeout(700, () => { socket.destroy(); resolve('no answer'); });
});
globalThis.attempt = (action) => { try { return action() ?? 'done'; } catch (error) { return error.code; } };
for await (const line of createInterface({ input: channel })) {
  let answer;
  try {
    const run = new AsyncFunction('fs', 'net', 'os', 'spawn', 'spawnSync', JSON.parse(line));
    answer = { value: await run(fs, net, os, spawn, spawnSync) };
  } catch (error) {
    answer = { failed: error.code ?? String(error) };
  }
  channel.write(JSON.stringify(answer) + '\\n');
}
process.exit(0);
`;

/** Writes the program that {@link Probe} starts as a runner. */
export function writeProbe(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, PROBE);
}

/** A container in which a test can run code. */
export class Probe {
  readonly container: Container;
  readonly #lines: AsyncIterator<string>;

  private constructor(container: Container) {
    this.container = container;
    this.#lines = createInterface({ input: container.channel as Readable })[Symbol.asyncIterator]();
    container.stdout.resume();
    container.stderr.resume();
  }

  static async start(driver: ContainerDriver, options: Partial<StartOptions> = {}): Promise<Probe> {
    const id = `ta-${Math.random().toString(36).slice(2)}`;
    return new Probe(await driver.start({ id, ...options }));
  }

  /** What the body returns, or the code of the error that it throws. `fs`, `net`, `os`, `spawn`, `spawnSync`, `connects` and `attempt` are there. */
  async run(body: string): Promise<unknown> {
    this.send(body);
    const { value } = await this.#lines.next();
    const answer = JSON.parse(value as string) as { value?: unknown; failed?: string };
    return answer.failed ?? answer.value;
  }

  /** Runs it without waiting. */
  send(body: string): void {
    this.container.channel.write(`${JSON.stringify(body)}\n`);
  }

  /** Runs a program in the container; what it said, with its exit code. */
  async shell(script: string): Promise<{ code: number | null; output: string }> {
    const body = `const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', ${JSON.stringify(script)}]);
      return { code: status, output: String(stdout) + String(stderr) };`;
    return (await this.run(body)) as { code: number | null; output: string };
  }

  async end(): Promise<void> {
    this.container.kill();
    await once(this.container.channel, 'close').catch(() => undefined);
    await this.container.exited;
  }
}
