import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { InternalFailure } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

import { writePrivateFile } from './data-dir.ts';
import { natsConfig, natsConfigPath, natsLogPath, natsPidPath } from './nats-config.ts';
import type { NatsProgram } from './nats-program.ts';
import { choosePort } from './ports.ts';

const USER = 'gantry';
const READY_LIMIT_MS = 30_000;
const PROBE_EVERY_MS = 15;
const STOP_LIMIT_MS = 5_000;
const RESTART_DELAYS_MS = [50, 200, 1_000, 5_000];
const LOG_TAIL_LINES = 5;

export interface NatsProcessOptions {
  program: NatsProgram;
  dataDir: string;
  /** 0: any free port. */
  port: number;
  syncAlways: boolean;
  log: Logger;
}

/**
 * The embedded `nats-server`: a child that is started again on the same port and data whenever it dies, until `stop`.
 * It has a process group of its own, because Ctrl-C must not end it before what depends on it.
 */
export class NatsProcess {
  readonly url: string;
  readonly #options: NatsProcessOptions & { port: number };
  #child: ChildProcess | undefined;
  #stopping = false;
  #restarts = 0;

  private constructor(options: NatsProcessOptions & { port: number }, password: string) {
    this.#options = options;
    this.url = `nats://${USER}:${password}@127.0.0.1:${options.port}`;
  }

  /**
   * Starts the server and waits until it takes connections.
   *
   * @throws InternalFailure with the end of its log if it does not get ready.
   */
  static async start(options: NatsProcessOptions): Promise<NatsProcess> {
    const port = await choosePort({ host: '127.0.0.1', port: options.port, flag: '--nats-port' });
    const password = randomBytes(24).toString('base64url');
    const { version } = options.program;
    const config = natsConfig({ ...options, port, user: USER, password, version });
    await writePrivateFile(natsConfigPath(options.dataDir), config);
    const nats = new NatsProcess({ ...options, port }, password);
    await nats.#launch();
    return nats;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Ends the server; it writes what it holds first. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child && !hasEnded(child)) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await Promise.race([ended, delay(STOP_LIMIT_MS, undefined, { ref: false })]);
      if (!hasEnded(child)) child.kill('SIGKILL');
      await ended;
    }
    rmSync(natsPidPath(this.#options.dataDir), { force: true });
  }

  /** Ends the server at once, without waiting for anything. */
  kill(): void {
    this.#stopping = true;
    this.#child?.kill('SIGKILL');
  }

  async #launch(): Promise<void> {
    const { program, dataDir, port } = this.#options;
    // What is wrong with its configuration it says before it has a log.
    const log = openSync(natsLogPath(dataDir), 'a', 0o600);
    const child = spawn(program.path, ['-c', natsConfigPath(dataDir)], {
      stdio: ['ignore', 'ignore', log],
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    const failed = new Promise<never>((_resolve, reject) => {
      child.once('error', (cause) => reject(this.#startFailure(`cannot be run: ${cause.message}`, cause)));
      child.once('exit', (code, signal) => reject(this.#startFailure(`ended with ${signal ?? code}`)));
    });
    // The race below is over when the server ends later on.
    failed.catch(() => {});
    await Promise.race([failed, waitUntilReady(port, child)]);
    child.once('exit', (code, signal) => void this.#onDeath(signal ?? code));
  }

  async #onDeath(how: string | number | null): Promise<void> {
    while (!this.#stopping) {
      const delayMs = RESTART_DELAYS_MS[Math.min(this.#restarts++, RESTART_DELAYS_MS.length - 1)] ?? 0;
      this.#options.log.warn({ how, delayMs }, 'nats-server ended; starting it again on the same data');
      await delay(delayMs);
      if (this.#stopping) return;
      try {
        await this.#launch();
        this.#options.log.warn({ pid: this.pid }, 'nats-server runs again');
        this.#restarts = 0;
        return;
      } catch (error) {
        this.#options.log.error({ err: error }, 'nats-server does not start');
      }
    }
  }

  #startFailure(what: string, cause?: unknown): InternalFailure {
    const tail = readTail(natsLogPath(this.#options.dataDir));
    return new InternalFailure(`nats-server ${what}${tail ? `\n${tail}` : ''}`, {
      cause,
      hint: `Look at ${natsLogPath(this.#options.dataDir)}.`,
    });
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** A server that is ready greets every connection with an `INFO` line. */
async function waitUntilReady(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_LIMIT_MS;
  while (!hasEnded(child)) {
    if (await greets(port)) return;
    if (Date.now() > deadline)
      throw new InternalFailure(`nats-server was not ready within ${READY_LIMIT_MS / 1000} s`);
    await delay(PROBE_EVERY_MS);
  }
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (isReady: boolean) => {
      socket.destroy();
      resolve(isReady);
    };
    socket.once('data', (data) => done(data.toString('latin1').startsWith('INFO ')));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
  });
}

function readTail(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  } catch {
    return '';
  }
}
