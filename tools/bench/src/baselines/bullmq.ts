import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { end, firstLine, freePort, run, temporaryDirectory } from '../processes.ts';

/**
 * Runs a client, a file of this folder, against BullMQ's worker on a fresh Redis, and returns what it printed.
 *
 * @param options.synced - `appendfsync always`; without it Redis writes its log too, and leaves syncing to the kernel.
 */
export async function runBullmqClient(
  file: string,
  options: { synced: boolean; env?: Record<string, string> },
): Promise<string> {
  await using directory = await temporaryDirectory();
  const port = await freePort();
  const persistence = options.synced
    ? ['--appendonly', 'yes', '--appendfsync', 'always']
    : ['--appendonly', 'yes', '--appendfsync', 'no'];
  const redis = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory.path, '--save', '', ...persistence],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const env = { ...options.env, REDIS_PORT: String(port) };
  const worker = spawn(process.execPath, [join(import.meta.dirname, 'bullmq-worker.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  try {
    await firstLine(worker);
    return await run(process.execPath, [join(import.meta.dirname, file)], { env });
  } finally {
    await end(worker);
    await end(redis);
  }
}
