import { join } from 'node:path';

import { LAST_STEP_S } from './app/image-app.ts';
import { deploy, startPlatform } from './platform.ts';
import { type BenchResult, judge, judgeLimit } from './result.ts';
import { median } from './statistics.ts';

const ENTRY = join(import.meta.dirname, 'app/image-app.ts');
const STEPS = 10;
const MS_PER_S = 1_000;

/** Deploys of an app whose image has ten steps on top of its base: unchanged, and with another last step. */
export async function benchmarkImages(options: { rounds: number }): Promise<BenchResult[]> {
  await using platform = await startPlatform({ synced: true, driver: 'runc' });
  const timed = async (lastStep: string, cached: number) => {
    const env = { ...platform.env, BENCH_LAST_STEP: lastStep };
    const startedAtMs = performance.now();
    const { stderr } = await deploy(ENTRY, env);
    const tookMs = performance.now() - startedAtMs;
    const found = stderr.split('\n').filter((line) => /^. (run|sleep) .* cached$/.test(line)).length;
    if (found !== cached)
      throw new Error(`${found} steps were taken from earlier builds, not ${cached}:\n${stderr}`);
    return tookMs;
  };
  await timed('first', 0);
  const [unchanged, changed]: [number[], number[]] = [[], []];
  for (let round = 0; round < options.rounds; round++) {
    changed.push(await timed(String(round), STEPS - 1));
    unchanged.push(await timed(String(round), STEPS));
  }
  return [
    judgeLimit(
      { name: 'deploy with an unchanged image of 10 steps', unit: 'ms', value: median(unchanged) },
      1_000,
    ),
    judge(
      {
        ...{ name: 'deploy with another last step of 10', unit: 'ms', value: median(changed) },
        ...{ baseline: 'that step alone', baselineValue: LAST_STEP_S * MS_PER_S },
      },
      '<=',
      2,
    ),
  ];
}
