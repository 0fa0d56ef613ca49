import { findUserProblem, rootlessCommand, rootlessEnvironment } from '@gantry/containers';

import type { WorkerConfig } from './parts.ts';

/**
 * Starts this command again as root of namespaces of its own, where an ordinary user wants isolated containers and can
 * have them; does not return then: the process becomes the other one. Returns where that is not needed or not possible,
 * of which the worker says why.
 */
export function enterNamespaces(
  { driver, ociRuntime }: Pick<WorkerConfig, 'driver' | 'ociRuntime'>,
  env: Readonly<Record<string, string | undefined>>,
): void {
  if (process.platform !== 'linux' || process.getuid?.() === 0 || driver === 'process') return;
  // Node 22.12 to 22.14 have no such function.
  if (typeof process.execve !== 'function' || findUserProblem(ociRuntime)) return;
  const words = rootlessCommand([process.execPath, ...process.execArgv, ...process.argv.slice(1)]);
  process.execve(
    '/bin/sh',
    ['sh', '-c', 'exec "$@"', 'gantry', ...words],
    withoutUndefined(rootlessEnvironment(env)),
  );
}

function withoutUndefined(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
