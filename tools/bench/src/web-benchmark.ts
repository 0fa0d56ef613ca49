import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, get } from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { download, here, type Protocol, upload } from './clients/bulk-load.ts';
import { openSockets } from './clients/socket-load.ts';
import { CLI } from './platform.ts';
import { type PlatformInParts, startPlatformInParts } from './platform-in-parts.ts';
import { end, firstLine, run } from './processes.ts';
import { judge, judgeLimit, type BenchResult } from './result.ts';
import { median } from './statistics.ts';
import { makeCertificate } from './test-certificate.ts';

const CONNECTIONS = 64;
const SOCKETS = 2_000;
const MOST_MB = 150;
const MOST_KIB_PER_SOCKET = 100;

export interface WebOptions {
  rounds: number;
  seconds: number;
}

/** Requests, large bodies and WebSockets through a gateway in a process of its own, against bare servers over TLS. */
export async function benchmarkWeb(options: WebOptions): Promise<BenchResult[]> {
  await using platform = await startPlatformInParts();
  await using certificate = await makeCertificate();
  const urls = await deploy(platform);
  await using hono = await startBare('hono-tls.ts', certificate.env);
  await using bare = await startBare('bulk-tls.ts', certificate.env);
  return [
    ...(await requests(urls.hello, hono.url, options)),
    ...(await bodies(urls.bulk, bare.url, { platform, rounds: options.rounds })),
    await sockets(urls.echo, platform.pids.gateway),
  ];
}

async function requests(ours: URL, theirs: URL, { rounds, seconds }: WebOptions): Promise<BenchResult[]> {
  const measured = { ours: [] as WrkResult[], theirs: [] as WrkResult[] };
  await wrk(ours, 3);
  await wrk(theirs, 3);
  for (let round = 0; round < rounds; round++) {
    measured.theirs.push(await wrk(theirs, seconds));
    measured.ours.push(await wrk(ours, seconds));
  }
  const mid = (results: WrkResult[], pick: (one: WrkResult) => number): number => median(results.map(pick));
  const pair = (name: string, unit: string, pick: (one: WrkResult) => number) => ({
    ...{ name, unit, baseline: 'bare Hono over TLS' },
    ...{ value: mid(measured.ours, pick), baselineValue: mid(measured.theirs, pick) },
  });
  const added: number[] = [];
  for (let round = 0; round < rounds; round++) added.push((await latency(ours)) - (await latency(theirs)));
  return [
    judge(
      pair(`endpoint, ${CONNECTIONS} connections`, 'requests/s', ({ rate }) => rate),
      '>=',
      0.25,
    ),
    judge(
      pair(`endpoint, ${CONNECTIONS} connections, p99`, 'ms', ({ p99Ms }) => p99Ms),
      '<=',
      5,
    ),
    judgeLimit({ name: 'endpoint, 1 connection: added to the p50', unit: 'ms', value: median(added) }, 0.5),
  ];
}

interface WrkResult {
  rate: number;
  p99Ms: number;
}

async function wrk(url: URL, seconds: number): Promise<WrkResult> {
  const output = await run('wrk', [
    ...['-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`, '--latency'],
    ...['-H', `Host: ${url.host}`, `https://127.0.0.1:${url.port}${url.pathname}`],
  ]);
  if (/Non-2xx|Socket errors/.test(output)) throw new Error(`wrk saw failed requests: ${output}`);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]);
  const [, amount, unit = ''] = /99%\s+([\d.]+)(us|ms|s)/.exec(output) ?? [];
  const p99Ms = Number(amount) * ({ us: 0.001, ms: 1, s: 1_000 }[unit] ?? NaN);
  if (Number.isNaN(rate + p99Ms)) throw new Error(`wrk printed no figures: ${output}`);
  return { rate, p99Ms };
}

/** The p50 of requests one after the other, on one connection, in ms. */
async function latency(url: URL): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  const times: number[] = [];
  for (let count = 0; count < 2_000; count++) {
    const started = performance.now();
    const [response] = (await once(get(url, { agent, lookup: here }), 'response')) as [NodeJS.ReadableStream];
    await once(response.resume(), 'end');
    times.push(performance.now() - started);
  }
  agent.destroy();
  return median(times);
}

async function bodies(
  ours: URL,
  theirs: URL,
  { platform, rounds }: { platform: PlatformInParts; rounds: number },
): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  const { gateway, worker } = platform.pids;
  const memory = await peaks([gateway, worker], async () => {
    for (const protocol of ['HTTP/1.1', 'HTTP/2'] satisfies Protocol[]) {
      for (const [verb, transfer] of Object.entries({ upload, download })) {
        const rates = { ours: [] as number[], theirs: [] as number[] };
        for (let round = 0; round < rounds; round++) {
          rates.theirs.push(await transfer(theirs, protocol));
          rates.ours.push(await transfer(ours, protocol));
        }
        const name = `${verb} of 1 GiB, ${protocol}`;
        const values = { value: median(rates.ours), baselineValue: median(rates.theirs) };
        results.push(judge({ name, unit: 'MiB/s', baseline: 'bare server over TLS', ...values }, '>=', 0.4));
      }
    }
  });
  const parts = ['gateway', 'worker'].map((part, at) =>
    judgeLimit(
      {
        name: `${part}, most memory during these`,
        unit: 'MB',
        value: ((memory[at] ?? NaN) * 1024 ** 2) / 1e6,
      },
      MOST_MB,
    ),
  );
  return [...results, ...parts];
}

async function sockets(url: URL, gateway: number): Promise<BenchResult> {
  // What the first ones need, all share.
  const first = await openSockets(url, 50);
  await first.echo();
  const before = await residentMiB(gateway);
  const many = await openSockets(url, SOCKETS);
  const [peak = NaN] = await peaks([gateway], async () => {
    for (let round = 0; round < 3; round++) await many.echo();
  });
  await many.close();
  await first.close();
  const value = ((peak - before) * 1024) / SOCKETS;
  const name = `memory of the gateway for each of ${SOCKETS} echoing WebSockets`;
  return judgeLimit({ name, unit: 'KiB', value }, MOST_KIB_PER_SOCKET);
}

/** The most resident memory that each process had meanwhile, in MiB. */
async function peaks(pids: readonly number[], work: () => Promise<void>): Promise<number[]> {
  const most = pids.map(() => 0);
  const ended = new AbortController();
  const watching = (async () => {
    while (!ended.signal.aborted) {
      for (const [at, pid] of pids.entries()) most[at] = Math.max(most[at] ?? 0, await residentMiB(pid));
      await delay(100);
    }
  })();
  try {
    await work();
  } finally {
    ended.abort();
    await watching;
  }
  return most;
}

async function residentMiB(pid: number): Promise<number> {
  const kiB = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kiB) / 1024;
}

async function deploy({ env }: PlatformInParts): Promise<Record<'hello' | 'bulk' | 'echo', URL>> {
  const entry = join(import.meta.dirname, 'app/web-app.ts');
  const output = await run(process.execPath, [CLI, 'deploy', entry, '--json'], { env });
  const reply = JSON.parse(output) as { functions: { name: string; urls: Record<string, string> }[] };
  const urlOf = (name: string): URL => {
    const found = reply.functions.find((one) => one.name === name);
    return new URL(Object.values(found?.urls ?? {})[0] ?? '');
  };
  return { hello: urlOf('hello'), bulk: urlOf('bulk'), echo: urlOf('echo') };
}

async function startBare(file: string, env: Record<string, string>): Promise<{ url: URL } & AsyncDisposable> {
  const server = spawn(process.execPath, [join(import.meta.dirname, 'baselines', file)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const url = new URL(`https://127.0.0.1:${await firstLine(server)}/`);
  return { url, [Symbol.asyncDispose]: () => end(server) };
}
