import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { deployBenchApp, startPlatform, untilScaledToZero } from './platform.ts';
import { end, run } from './processes.ts';
import { judge, type BenchResult } from './result.ts';
import { median } from './statistics.ts';

async function timeNodeStart(): Promise<number> {
  const start = performance.now();
  await run(process.execPath, ['-e', '0']);
  return performance.now() - start;
}

/** From a caller's `.remote()` to its answer while the function has no container, against a bare Node start. */
export async function benchmarkColdStart(options: { rounds: number }): Promise<BenchResult> {
  await using platform = await startPlatform({ synced: true });
  await deployBenchApp(platform);
  const client = spawn(process.execPath, [join(import.meta.dirname, 'clients/cold-client.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...platform.env },
  });
  const cold: number[] = [];
  const bare: number[] = [];
  try {
    client.stdout.setEncoding('utf8');
    await once(client.stdout, 'data');
    for (let round = 0; round < options.rounds; round++) {
      await untilScaledToZero(platform, 'coldDouble');
      bare.push(await timeNodeStart());
      client.stdin.write('call\n');
      const [answer] = (await once(client.stdout, 'data')) as [string];
      cold.push(Number(answer));
    }
  } finally {
    await end(client);
  }
  return judge(
    {
      name: 'cold start, zero to first answer, every write synced',
      unit: 'ms',
      value: median(cold),
      baseline: 'node -e 0',
      baselineValue: median(bare),
    },
    '<=',
    3,
  );
}
