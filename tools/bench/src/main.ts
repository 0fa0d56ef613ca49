import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { benchmarkBurst } from './burst-benchmark.ts';
import { benchmarkCalls } from './call-benchmark.ts';
import { benchmarkColdStart } from './cold-start-benchmark.ts';
import { benchmarkCollections } from './collection-benchmark.ts';
import { benchmarkContainers } from './container-benchmark.ts';
import { benchmarkGenerator } from './generator-benchmark.ts';
import { benchmarkHttps } from './https-benchmark.ts';
import { benchmarkIdle } from './idle-benchmark.ts';
import { benchmarkImages } from './image-benchmark.ts';
import { describeMachine } from './machine.ts';
import { benchmarkMap, benchmarkMapMemory } from './map-benchmark.ts';
import { formatTable, type BenchResult } from './result.ts';
import { benchmarkScheduler } from './scheduler-benchmark.ts';
import { benchmarkServe } from './serve-benchmark.ts';
import { benchmarkVolumes } from './volume-benchmark.ts';
import { benchmarkCommits } from './volume-commit-benchmark.ts';
import { benchmarkWeb } from './web-benchmark.ts';

const USAGE = `npm run bench -- [options]

  --only NAMES  some of: calls, calls-synced, map, map-synced, map-memory, generator,
                cold, burst, scheduler, https, web, serve, idle, containers, volumes, commits, collections
                (comma-separated)
  --json FILE   also write the results as JSON
  --quick       fewer rounds: for looking, not for publishing

What they need (redis-server, wrk, openssl, MinIO) is installed, where Debian's packages, root and Go are there.
One more name, images, needs root, runc and buildah; volumes needs root.`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const rounds = values.quick ? 1 : 3;
const benchmarks: Record<string, () => Promise<BenchResult[]>> = {
  calls: () => benchmarkCalls({ synced: false, repeats: rounds }),
  'calls-synced': () => benchmarkCalls({ synced: true, repeats: rounds }),
  images: () => benchmarkImages({ rounds }),
  map: async () => [await benchmarkMap({ synced: false, rounds })],
  'map-synced': async () => [await benchmarkMap({ synced: true, rounds })],
  'map-memory': async () => [await benchmarkMapMemory()],
  generator: async () => [await benchmarkGenerator({ rounds: values.quick ? 300 : 1_500 })],
  cold: async () => [await benchmarkColdStart({ rounds: values.quick ? 3 : 9 })],
  burst: async () => [await benchmarkBurst({ rounds: values.quick ? 1 : 5 })],
  scheduler: () => benchmarkScheduler({ events: values.quick ? 5_000 : 30_000 }),
  https: async () => [await benchmarkHttps({ rounds, seconds: values.quick ? 3 : 8 })],
  web: () => benchmarkWeb({ rounds, seconds: values.quick ? 3 : 8 }),
  serve: async () => [await benchmarkServe({ rounds: values.quick ? 5 : 21 })],
  idle: benchmarkIdle,
  volumes: () => benchmarkVolumes({ rounds: values.quick ? 1 : 3 }),
  commits: () => benchmarkCommits({ rounds }),
  collections: () => benchmarkCollections({ rounds }),
  containers: () => benchmarkContainers({ rounds: values.quick ? 5 : 15 }),
};

if (values.help) {
  console.log(USAGE);
} else {
  const names = values.only?.split(',') ?? Object.keys(benchmarks);
  const unknown = names.find((name) => !Object.hasOwn(benchmarks, name));
  if (unknown !== undefined) {
    console.error(`there is no benchmark "${unknown}"\n\n${USAGE}`);
    process.exit(2);
  }
  const results: BenchResult[] = [];
  for (const name of names) {
    console.error(`measuring ${name} …`);
    results.push(...((await benchmarks[name]?.()) ?? []));
  }
  console.log(`\n${describeMachine()}\n\n${formatTable(results)}`);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(results, null, 2)}\n`);
  if (results.some((result) => !result.ok)) process.exitCode = 1;
}
