import { connect, createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { ContainerError, type WebServerSpec } from '@gantry/protocol';

const POLL_MS = 20;
/** Where a program that listens on any address of its machine, or on its loopback alone, is found. */
const HOSTS = ['127.0.0.1', '::1'];

/** A program that the user's code started, and the port at which it listens. */
export class ListeningProgram {
  readonly host: string;
  readonly port: number;
  readonly #onLost: (error: Error) => void;

  constructor({ host, port }: { host: string; port: number }, onLost: (error: Error) => void) {
    this.host = host;
    this.port = port;
    this.#onLost = onLost;
  }

  /** Called when a request failed: a program that listens no more can only be started anew, with its container. */
  async check(): Promise<void> {
    if (await isListening(this.host, this.port)) return;
    this.#onLost(new ContainerError(`the program at port ${this.port} listens no more`));
  }
}

/**
 * Has the user's code start a program, with its port in the variable `PORT`, and waits until that listens.
 *
 * A container with a network of its own has all ports. Where containers share those of their machine, the port that
 * was asked for goes to the first one; the others are given another, which only programs find that heed `PORT`.
 *
 * @throws ContainerError if it does not listen in time, and whatever the code throws.
 */
export async function startProgram(
  { port: wanted, startupTimeoutMs }: WebServerSpec,
  start: () => unknown,
): Promise<{ host: string; port: number }> {
  const isFree = await claim(wanted);
  const port = isFree ? wanted : await anyPort();
  process.env['PORT'] = String(port);
  await start();
  const deadline = performance.now() + startupTimeoutMs;
  for (;;) {
    for (const host of HOSTS) if (await isListening(host, port)) return { host, port };
    if (performance.now() > deadline) break;
    await delay(POLL_MS);
  }
  const taken = isFree ? '' : `: port ${wanted} is in use on this machine, so that PORT was set to ${port}`;
  throw new ContainerError(`no program listened at port ${port} within ${startupTimeoutMs} ms${taken}`, {
    hint: isFree
      ? 'See its output in the log of the app, or raise startupTimeoutMs.'
      : 'Have the program listen at process.env.PORT, or run containers with a network of their own: `gantry up --driver runc`.',
  });
}

/** Held until this process ends: of containers that start at once, a port goes to one. */
const claims: Server[] = [];

async function claim(port: number): Promise<boolean> {
  // A name in the kernel, which belongs to this network alone and is free when its holder ended. Only Linux has them.
  if (process.platform === 'linux') {
    const server = await listen(createServer(), { path: `\0gantry-web-port-${port}` });
    if (!server) return false;
    claims.push(server.unref());
  }
  for (const host of HOSTS) if (await isListening(host, port)) return false;
  return true;
}

async function anyPort(): Promise<number> {
  const server = await listen(createServer(), { port: 0, host: '127.0.0.1' });
  const address = server?.address();
  await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
  if (typeof address === 'object' && address) return address.port;
  throw new ContainerError('this machine has no free port', { hint: 'Stop containers that need none.' });
}

function listen(
  server: Server,
  at: { path: string } | { port: number; host: string },
): Promise<Server | undefined> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(at, () => resolve(server));
  });
}

function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
