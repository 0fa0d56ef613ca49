import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { BuildError } from '@gantry/protocol';

/** Answers for names in a {@link StepNetwork}, whatever the machine's own resolver is. */
export const STEP_DNS = '10.0.2.3';

const READY_TIMEOUT_MS = 10_000;

/** A network of its own for one step: it reaches the world, and nothing that listens on this machine alone. */
export interface StepNetwork extends AsyncDisposable {
  /** The namespace, as a path. */
  readonly path: string;
  /** Lets this process end while it is open. */
  unref(): void;
}

/** Both processes end when this one does: they hold on to pipes to it. */
export async function openStepNetwork(): Promise<StepNetwork> {
  const holder = spawn('unshare', ['--net', '--', 'sh', '-c', 'echo; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  await ready(holder.stdout, 'unshare', holder);
  const args = ['--configure', '--mtu=65520', '--disable-host-loopback', '--ready-fd=3', '--exit-fd=4'];
  const link = spawn('slirp4netns', [...args, String(holder.pid), 'tap0'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const close = async () => {
    const ended = [holder, link].filter((child) => child.exitCode === null && child.signalCode === null);
    for (const child of ended) child.kill('SIGKILL');
    await Promise.all(ended.map((child) => once(child, 'exit')));
  };
  try {
    await ready(link.stdio[3] as NodeJS.ReadableStream, 'slirp4netns', link);
  } catch (error) {
    await close();
    throw error;
  }
  const streams = [holder.stdin, holder.stdout, ...link.stdio] as (Partial<NodeJS.RefCounted> | null)[];
  const unref = (): void => [holder, link, ...streams].forEach((each) => each?.unref?.());
  return { path: `/proc/${holder.pid}/ns/net`, unref, [Symbol.asyncDispose]: close };
}

async function ready(
  signs: NodeJS.ReadableStream,
  program: string,
  child: NodeJS.EventEmitter,
): Promise<void> {
  const timeout = AbortSignal.timeout(READY_TIMEOUT_MS);
  const failed = Promise.race([
    once(child, 'error', { signal: timeout }).then(([error]) => error as Error),
    once(child, 'exit', { signal: timeout }),
  ]);
  const isReady = await Promise.race([
    once(signs, 'data', { signal: timeout }).then(() => true),
    failed.then(() => false),
  ]).catch(() => false);
  failed.catch(() => undefined);
  if (isReady) return;
  throw new BuildError(`a build step gets no network: "${program}" does not work here`, {
    hint: 'The server must run as root, with slirp4netns and /dev/net/tun.',
  });
}
