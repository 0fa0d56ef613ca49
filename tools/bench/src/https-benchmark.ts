import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { deployBenchApp, startPlatform } from './platform.ts';
import { end, firstLine, run } from './processes.ts';
import { judge, type BenchResult } from './result.ts';
import { median } from './statistics.ts';
import { makeCertificate } from './test-certificate.ts';

const CONNECTIONS = 32;

/** Requests per second that `wrk` sees; fails if any answer is not a 2xx. */
async function requestsPerSecond(url: URL, seconds: number): Promise<number> {
  // wrk resolves names through the C library, which does not know *.localhost: the Host header names the app.
  const target = `https://127.0.0.1:${url.port}${url.pathname}`;
  const output = await run('wrk', [
    ...['-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`],
    ...['-H', `Host: ${url.host}`, target],
  ]);
  if (/Non-2xx|Socket errors/.test(output)) throw new Error(`wrk saw failed requests: ${output}`);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(output)?.[1];
  if (rate === undefined) throw new Error(`wrk printed no rate: ${output}`);
  return Number(rate);
}

/** A warm HTTPS endpoint through the gateway, against a bare Hono app over TLS. */
export async function benchmarkHttps(options: { rounds: number; seconds: number }): Promise<BenchResult> {
  await using platform = await startPlatform({ synced: true });
  await using certificate = await makeCertificate();
  const endpoint = new URL(await deployBenchApp(platform));
  const bare = spawn(process.execPath, [join(import.meta.dirname, 'baselines/hono-tls.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...certificate.env },
  });
  const ours: number[] = [];
  const theirs: number[] = [];
  try {
    const bareUrl = new URL(`https://127.0.0.1:${await firstLine(bare)}/`);
    await requestsPerSecond(endpoint, 3);
    await requestsPerSecond(bareUrl, 3);
    for (let round = 0; round < options.rounds; round++) {
      theirs.push(await requestsPerSecond(bareUrl, options.seconds));
      ours.push(await requestsPerSecond(endpoint, options.seconds));
    }
  } finally {
    await end(bare);
  }
  return judge(
    {
      name: `HTTPS endpoint, warm, ${CONNECTIONS} connections`,
      unit: 'requests/s',
      value: median(ours),
      baseline: 'bare Hono over TLS',
      baselineValue: median(theirs),
    },
    '>=',
    0.15,
  );
}
