import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { CLI, REPOSITORY, startPlatform, type Platform } from './platform.ts';
import { end, temporaryDirectory } from './processes.ts';
import { judgeLimit, type BenchResult } from './result.ts';
import { median } from './statistics.ts';

const LIMIT_MS = 1_000;
const ASK_EVERY_MS = 10;
/** As nobody saves again at once, the platform has come to rest before the next change. */
const REST_MS = 1_000;

/** From the save of a source under `gantry serve` to the first answer of the new code. */
export async function benchmarkServe({ rounds }: { rounds: number }): Promise<BenchResult> {
  await using platform = await startPlatform({ synced: true });
  await using project = await temporaryDirectory();
  const entry = join(project.path, 'app.ts');
  await mkdir(join(project.path, 'node_modules'));
  await symlink(join(REPOSITORY, 'node_modules/gantry'), join(project.path, 'node_modules/gantry'));
  await writeFile(join(project.path, 'package.json'), '{ "name": "edited", "type": "module" }');
  await writeFile(entry, sourceOf(0));
  const serve = spawn(process.execPath, [CLI, 'serve', entry], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...platform.env, NO_COLOR: '1' },
  });
  const tookMs: number[] = [];
  try {
    const ask = await clientFor(await urlOf(serve), platform);
    await untilAnswered(ask, 0);
    for (let round = 1; round <= rounds; round++) {
      await delay(REST_MS);
      const start = performance.now();
      await writeFile(entry, sourceOf(round));
      await untilAnswered(ask, round);
      tookMs.push(performance.now() - start);
    }
  } finally {
    await end(serve, 'SIGINT');
  }
  const name = 'edit to new answer under serve, small app';
  return judgeLimit({ name, unit: 'ms', value: median(tookMs) }, LIMIT_MS);
}

function sourceOf(answer: number): string {
  return `import { App, fastapiEndpoint } from 'gantry';

const app = new App('edited');
export const page = app.function(fastapiEndpoint({}, async (n: number = 1) => ({ answer: ${answer}, n })));
`;
}

async function urlOf(serve: ChildProcess): Promise<string> {
  let printed = '';
  for (const stream of [serve.stdout, serve.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (printed += text));
  }
  while (!printed.includes('Watching for changes')) {
    if (serve.exitCode !== null) throw new Error(`gantry serve ended:\n${printed}`);
    await delay(ASK_EVERY_MS);
  }
  const url = /https:\S+/.exec(printed)?.[0];
  if (url === undefined) throw new Error(`gantry serve printed no address:\n${printed}`);
  return url;
}

async function clientFor(url: string, platform: Platform): Promise<() => Promise<string>> {
  const ca = await readFile(join(platform.env['GANTRY_DATA_DIR'] ?? '', 'ca/ca.pem'));
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true });
  return () =>
    new Promise((resolve, reject) => {
      // Names below .localhost are this machine, which not every resolver knows.
      const options = {
        host: '127.0.0.1',
        port,
        servername: hostname,
        headers: { host: `${hostname}:${port}` },
      };
      const request = httpsRequest({ ...options, ca, agent }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.once('end', () => resolve(`${response.statusCode ?? 0} ${body}`));
      });
      request.once('error', reject).end();
    });
}

async function untilAnswered(ask: () => Promise<string>, answer: number): Promise<void> {
  for (;;) {
    const got = await ask();
    if (!got.startsWith('200 ')) throw new Error(`a request failed meanwhile: ${got}`);
    if (got.includes(`"answer":${answer},`)) return;
    await delay(ASK_EVERY_MS);
  }
}
