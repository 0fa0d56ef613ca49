import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { BURST, BURST_IDEAL_MS } from './app/burst-shape.ts';
import { deployBenchApp, startPlatform, untilScaledToZero } from './platform.ts';
import { end } from './processes.ts';
import { judge, type BenchResult } from './result.ts';
import { median } from './statistics.ts';

async function timeInputs(client: ChildProcess, inputs: number): Promise<number> {
  const { stdin, stdout } = client;
  if (!stdin || !stdout) throw new TypeError('the client has no standard streams');
  stdin.write(`${inputs}\n`);
  const [answer] = (await once(stdout, 'data')) as [string];
  return Number(answer);
}

/**
 * Many inputs at once on a function without containers: to the last result. Held against twice the time that the
 * inputs alone would take in all containers, and one cold start, which is measured just before.
 */
export async function benchmarkBurst(options: { rounds: number }): Promise<BenchResult> {
  await using platform = await startPlatform({ synced: true });
  await deployBenchApp(platform);
  const client = spawn(process.execPath, [join(import.meta.dirname, 'clients/burst-client.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...platform.env },
  });
  const bursts: number[] = [];
  const coldStarts: number[] = [];
  try {
    client.stdout.setEncoding('utf8');
    await once(client.stdout, 'data');
    for (let round = 0; round < options.rounds; round++) {
      await untilScaledToZero(platform, 'burst');
      coldStarts.push((await timeInputs(client, 1)) - BURST.inputMs);
      await untilScaledToZero(platform, 'burst');
      bursts.push(await timeInputs(client, BURST.inputs));
    }
  } finally {
    await end(client);
  }
  return judge(
    {
      name: `burst of ${BURST.inputs} inputs of ${BURST.inputMs} ms on a cold function, last result`,
      unit: 'ms',
      value: median(bursts),
      baseline: '2 x ideal + one cold start',
      baselineValue: 2 * BURST_IDEAL_MS + median(coldStarts),
    },
    '<=',
    1,
  );
}
