import { join } from 'node:path';

import { LAST_STEP_S } from './app/image-app.ts';
import { build, deploy, startPlatform } from './platform.ts';
import { temporaryDirectory } from './processes.ts';
import { type BenchResult, judge, judgeLimit } from './result.ts';
import { median } from './statistics.ts';

const ENTRY = join(import.meta.dirname, 'app/image-app.ts');
const STEPS = 10;
const MS_PER_S = 1_000;

/**
 * Deploys of an app whose image has ten steps on top of its base: with another last step, and unchanged. Unchanged as
 * `nx run` does it, which has the build from its cache and hands it to `gantry deploy --manifest`; Nx's own time is
 * not in it.
 */
export async function benchmarkImages(options: { rounds: number }): Promise<BenchResult[]> {
  await using platform = await startPlatform({ synced: true, driver: 'runc' });
  await using folder = await temporaryDirectory();
  const timed = async (what: string[], lastStep: string, cached: number) => {
    const env = { ...platform.env, BENCH_LAST_STEP: lastStep };
    const startedAtMs = performance.now();
    const { stderr } = await deploy(what, env);
    const tookMs = performance.now() - startedAtMs;
    const found = stderr.split('\n').filter((line) => /^. (run|sleep) .* cached$/.test(line)).length;
    if (found !== cached)
      throw new Error(`${found} steps were taken from earlier builds, not ${cached}:\n${stderr}`);
    return tookMs;
  };
  await timed([ENTRY], 'first', 0);
  const [unchanged, changed]: [number[], number[]] = [[], []];
  for (let round = 0; round < options.rounds; round++) {
    const lastStep = String(round);
    changed.push(await timed([ENTRY], lastStep, STEPS - 1));
    await build(ENTRY, folder.path, { ...platform.env, BENCH_LAST_STEP: lastStep });
    unchanged.push(await timed(['--manifest', folder.path], lastStep, STEPS));
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
