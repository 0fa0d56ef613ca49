import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory, waitUntil } from '@gantry/testing';
import { Client, Cls, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { profile, train, Writer } from '../examples/slm-sweep/src/app.ts';
import { begin, makeGrid } from '../examples/slm-sweep/src/experiment.ts';
import { restore } from '../examples/slm-sweep/src/quantised.ts';
import { write } from '../examples/slm-sweep/src/writing.ts';
import { fetchHttps, runCli, runNx, startPlatform, type Platform } from './platform.ts';

const ENTRY = 'examples/slm-sweep/src/app.ts';

let platform: Platform;
let folder: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  platform = await startPlatform();
  folder = await temporaryDirectory('gantry-slm-');
  process.env['GANTRY_DATA_DIR'] = platform.ready.dataDir;
  const deployed = await runNx('slm-sweep:deploy', platform.env);
  expect(deployed.code, deployed.stdout + deployed.stderr).toBe(0);
});

afterAll(async () => {
  await Client.default().close();
  await platform[Symbol.asyncDispose]();
  await folder.remove();
});

function find<T extends object>(name: string) {
  return RemoteFunction.fromName<T>('slm-sweep', name);
}

async function get(method: string, query: string) {
  return fetchHttps({ url: `${await urlOf(method)}?${query}`, caPath: platform.ready.caPath });
}

/** Of an endpoint method, or of a function by its name. */
async function urlOf(method: string): Promise<string> {
  const list = await runCli(['app', 'list', '--json'], platform.env);
  type Listed = {
    name: string;
    state: string;
    functions: { name: string; urls: Record<string, string> }[];
  };
  const app = (JSON.parse(list.stdout) as Listed[]).find(
    // What `gantry run` ran has the same name.
    ({ name, state }) => name === 'slm-sweep' && state === 'deployed',
  );
  const urls = app?.functions.flatMap((each) =>
    Object.entries(each.urls).map(([name, url]) => [name || each.name, url] as const),
  );
  return urls?.find(([name]) => name === method)?.[1] ?? '';
}

describe('slm-sweep', () => {
  test('run as a program, sweeps in containers, keeps the best model and writes with it; the deployed class writes the same', async () => {
    const out = join(folder.path, 'best.slm');
    const args = ['--steps', '60', '--out', out];

    const swept = await runCli(['run', `${ENTRY}::main`, ...args], platform.env);

    expect(swept.code, swept.stdout + swept.stderr).toBe(0);
    const lines = swept.stdout.split('\n');
    const trained = (round: number) => lines.filter((line) => line.startsWith(`round ${round}: trained`));
    expect([1, 2, 3, 4].map((round) => trained(round).length)).toEqual([8, 4, 2, 1]);
    expect(swept.stdout).toMatch(/winner: context-\d hidden-\d+ rate-[\d.]+, loss [\d.]+ after 480 steps/);

    const { stdout: saved } = await runCli(['volume', 'ls', 'slm-sweep', '--json'], platform.env);
    expect(saved.match(/\.checkpoint"/g)?.length).toBeGreaterThanOrEqual(8);
    expect(saved).toContain('"latest"');
    const model = new Uint8Array(await readFile(out));
    const writer = Cls.fromName<typeof Writer>('slm-sweep', 'Writer').instance({ model });
    let text = '';
    for await (const letter of writer.write.remoteGen('one day, the ', 80, 5)) text += letter;
    expect(text).toBe([...write(restore(model), 'one day, the ', { length: 80, seed: 5 })].join(''));
  });

  test('a training whose container is interrupted returns its checkpoint, from which another container goes on', async () => {
    const [experiment] = makeGrid();
    if (!experiment) throw new Error('the grid is empty');
    const remote = find<typeof train>('train');
    const training = remote.remote(begin(experiment), 1_000_000);
    const busy = await waitUntil(
      async () => {
        const { stdout } = await runCli(['container', 'list', '--json'], platform.env);
        type Listed = { containerId: string; functionName: string; running: number };
        return (JSON.parse(stdout) as Listed[]).find(
          ({ functionName, running }) => functionName === 'train' && running > 0,
        );
      },
      { timeoutMs: 30_000 },
    );
    await runCli(['container', 'stop', busy.containerId], platform.env);
    const interrupted = await training;

    expect(interrupted.step).toBeGreaterThan(0);
    expect(interrupted.step).toBeLessThan(1_000_000);
    const resumed = await remote.remote(interrupted, interrupted.step + 100);
    expect(resumed.step).toBe(interrupted.step + 100);
    expect(resumed.curve.slice(0, interrupted.curve.length)).toEqual(interrupted.curve);
  });

  test('draws the loss curve of each experiment, and streams a sweep line by line', async () => {
    const [chart, live] = await Promise.all([
      get('chart', 'steps=100'),
      get('live', 'experiments=2&steps=20'),
    ]);

    expect(chart.headers['content-type']).toBe('image/svg+xml');
    expect(chart.body.match(/<polyline/g)).toHaveLength(8);
    expect(
      live.body
        .trim()
        .split('\n')
        .filter((line) => line.includes('trained')),
    ).toHaveLength(3);
  });

  test('shows what is saved on a page, and serves it by the API of others', async () => {
    const dashboard = await get('dashboard', '');
    expect(dashboard.body.match(/<polyline/g)?.length).toBeGreaterThanOrEqual(8);
    expect(dashboard.body).toMatch(
      /<li>context-4 hidden-32 rate-0.003: step \d+, loss [\d.]+, resumed \d+ times/,
    );

    const url = new URL('v1/completions', `${(await urlOf('completions')).replace(/\/$/, '')}/`).href;
    const body = new TextEncoder().encode(
      JSON.stringify({ prompt: 'one day, ', max_tokens: 12, stream: true }),
    );
    const answer = await fetchHttps({ url, caPath: platform.ready.caPath, method: 'POST', body });
    expect(answer.status, answer.body).toBe(200);
    expect(answer.body.match(/^data: {/gm)).toHaveLength(12);
    expect(answer.body.trimEnd().endsWith('data: [DONE]')).toBe(true);
  });

  test('profiles a function by running its code in a container of another', async () => {
    const hottest = await find<typeof profile>('profile').remote(300);

    expect(hottest.map(({ name }) => name)).toContain('predict');
  });
});
