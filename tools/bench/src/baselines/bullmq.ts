import { spawn } from 'node:child_process';
import { join } from 'node:path';

import type { CallSamples } from '../clients/call-load.ts';
import { end, firstLine, freePort, run, temporaryDirectory } from '../processes.ts';

/**
 * BullMQ on a fresh Redis: add -> worker in another process -> waitUntilFinished.
 *
 * @param options.synced - `appendfsync always`; without it Redis writes its log too, and leaves syncing to the kernel.
 */
export async function sampleBullmq(options: { synced: boolean }): Promise<CallSamples> {
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
  const env = { REDIS_PORT: String(port) };
  const worker = spawn(process.execPath, [join(import.meta.dirname, 'bullmq-worker.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  try {
    await firstLine(worker);
    const output = await run(process.execPath, [join(import.meta.dirname, 'bullmq-client.ts')], { env });
    return JSON.parse(output) as CallSamples;
  } finally {
    await end(worker);
    await end(redis);
  }
}
