import { join } from 'node:path';

import type { GeneratorSamples } from './clients/generator-client.ts';
import { deployBenchApp, startPlatform } from './platform.ts';
import { run } from './processes.ts';
import { judge, type BenchResult } from './result.ts';
import { median } from './statistics.ts';

/** From the first `next()` of a warm generator to its first value, against a plain warm call beside it. */
export async function benchmarkGenerator(options: { rounds: number }): Promise<BenchResult> {
  await using platform = await startPlatform({ synced: true });
  await deployBenchApp(platform);
  const client = join(import.meta.dirname, 'clients/generator-client.ts');
  const env = { ...platform.env, ROUNDS: String(options.rounds) };
  const samples = JSON.parse(await run(process.execPath, [client], { env })) as GeneratorSamples;
  return judge(
    {
      name: 'first value of a generator p50, every write synced',
      unit: 'ms',
      value: median(samples.firstValuesMs),
      baseline: 'plain warm call',
      baselineValue: median(samples.callsMs),
    },
    '<=',
    2,
  );
}
