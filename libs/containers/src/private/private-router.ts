import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';

import { ContainerError, privateAddressBytes, privateAddressIn, type PrivateSubnet } from '@gantry/protocol';

import { systemCalls } from '../runc/start-script.ts';
import { PRIVATE_ROUTER_SCRIPT } from './private-router-script.ts';
import { splitPackets } from './split-packets.ts';

/** Bytes of a packet at most, with its head: large, as each costs the same. */
export const PRIVATE_MTU = 32_768;
/** What may wait for a router that is behind; more is lost, as in any network. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;

export interface PrivateRouterOptions {
  /** Of its worker. */
  subnet: PrivateSubnet;
  /** Packets for containers of other workers. */
  onPackets(packets: Uint8Array[]): void;
  /** It has ended by itself: containers that it linked reach nobody any more. */
  onLost(): void;
}

/**
 * Passes packets on between containers of this worker, and to and from those of others: a namespace with links to
 * containers, and to nothing else of the machine.
 *
 * @example
 * ```ts
 * const router = await PrivateRouter.open({ subnet, onPackets, onLost });
 * await driver.start({ id, privateLink: { address, router: router.path } });
 * ```
 */
export class PrivateRouter {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #rest: Uint8Array = new Uint8Array();
  #isClosed = false;

  private constructor(
    child: ChildProcessByStdio<Writable, Readable, Readable>,
    { onPackets, onLost }: PrivateRouterOptions,
  ) {
    this.#child = child;
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (bytes: Uint8Array) => {
      const { packets, rest } = splitPackets(
        this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]),
      );
      this.#rest = rest;
      if (packets.length > 0) onPackets(packets);
    });
    child.once('exit', () => {
      if (!this.#isClosed) onLost();
    });
  }

  /** @throws ContainerError if this machine lacks what is needed for it. */
  static async open(options: PrivateRouterOptions): Promise<PrivateRouter> {
    const own = digitsOf(options.subnet);
    const words = [`${own.slice(0, 12)}${'0'.repeat(20)}`, own, String(PRIVATE_MTU)];
    const child = spawn('perl', ['-e', PRIVATE_ROUTER_SCRIPT, '--', systemCalls ?? '', ...words], {
      // A session of its own: Ctrl-C in the terminal of the worker is the worker's to pass on.
      detached: true,
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    const said = text(child.stderr);
    const started = await Promise.race([
      text(child.stdio[3] as Readable),
      once(child, 'error').then(([error]) => (error as Error).message),
    ]);
    if (started === 'ready') return new PrivateRouter(child, options);
    child.kill('SIGKILL');
    throw new ContainerError(`there is no private network here: ${started || (await said).trim()}`, {
      hint: 'The worker needs nftables and /dev/net/tun, which it must be allowed to open.',
    });
  }

  /** Of its namespace. */
  get path(): string {
    return `/proc/${this.#child.pid}/ns/net`;
  }

  /** Hands on whole packets that came from other workers; false if they were dropped. */
  send(packets: Uint8Array): boolean {
    if (this.#child.stdin.writableLength > MOST_WAITING_BYTES) return false;
    this.#child.stdin.write(packets);
    return true;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** The first address of a worker, which is no container's. */
function digitsOf(subnet: PrivateSubnet): string {
  const address = privateAddressIn(subnet, new Uint8Array());
  return Buffer.from(privateAddressBytes(address)).toString('hex');
}
