import { readFile } from 'node:fs/promises';

import { Client, RemoteFunction } from 'gantry';
import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createProject, type Project } from './lifecycle-project.ts';
import { fetchHttps, runCli, startPlatform, type Platform } from './platform.ts';

const REDEPLOYS = 4;
const CALLERS = 2;

const source = (version: number) => `
import { App, fastapiEndpoint } from 'gantry';

const app = new App('rolling');
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
export const answer = app.function(async () => {
  await pause();
  return ${version};
});
export const page = app.function(fastapiEndpoint({}, async () => {
  await pause();
  return { version: ${version} };
}));
export const order = app.function(fastapiEndpoint({ method: 'POST' }, async (body: { n: number }) => {
  await pause();
  return { version: ${version}, n: body.n };
}));
`;

let platform: Platform;
let project: Project;
let client: Client;

beforeAll(async () => {
  platform = await startPlatform();
  project = await createProject('rolling');
  const connection = JSON.parse(
    await readFile(`${platform.env.GANTRY_DATA_DIR}/connection.json`, 'utf8'),
  ) as { serverUrl: string; token: string };
  client = new Client(connection);
});

afterAll(async () => {
  await client.close();
  await project[Symbol.asyncDispose]();
  await platform[Symbol.asyncDispose]();
});

async function deploy(
  version: number,
): Promise<{ functions: { name: string; urls: Record<string, string> }[] }> {
  const entry = await project.write('app.ts', source(version));
  const result = await runCli(['deploy', entry, '--json'], platform.env);
  expect(result.code, result.stderr).toBe(0);
  return JSON.parse(result.stdout) as { functions: { name: string; urls: Record<string, string> }[] };
}

function versionIn({ status, body }: { status: number; body: string }): number {
  if (status !== 200) throw new Error(`${status}: ${body}`);
  return (JSON.parse(body) as { version: number }).version;
}

interface Load {
  stop(): Promise<{ answers: number[]; failures: unknown[] }>;
  answers: number[];
}

/** Calls one after the other, as many callers side by side, until stopped. */
function startLoad(call: () => Promise<number>): Load {
  const answers: number[] = [];
  const failures: unknown[] = [];
  let isStopped = false;
  const callers = Array.from({ length: CALLERS }, async () => {
    while (!isStopped) {
      await call().then(
        (version) => answers.push(version),
        (error: unknown) => failures.push(error),
      );
    }
  });
  return {
    answers,
    async stop() {
      isStopped = true;
      await Promise.all(callers);
      return { answers, failures };
    },
  };
}

async function loadFailures(): Promise<number> {
  const { stdout, stderr } = await runCli(['app', 'logs', 'rolling'], platform.env);
  return (`${stdout}${stderr}`.match(/failed to load/g) ?? []).length;
}

describe('a redeploy under load', () => {
  test('fails no call and no request, and leaves only the new version', async () => {
    const first = await deploy(1);
    const urlOf = (wanted: string) => first.functions.find(({ name }) => name === wanted)?.urls[''] ?? '';
    const answer = RemoteFunction.fromName<() => number>('rolling', 'answer', { client });
    const { caPath } = platform.ready;
    const fetchVersion = async () => versionIn(await fetchHttps({ url: urlOf('page'), caPath }));
    // Cannot be sent again by the gateway: once it reached a container, its answer is all there is.
    const body = Buffer.from('{"n":1}');
    const headers = { 'content-type': 'application/json' };
    const postOrder = async () =>
      versionIn(await fetchHttps({ url: urlOf('order'), caPath, method: 'POST', headers, body }));
    const calls = startLoad(() => answer.remote());
    const requests = startLoad(fetchVersion);
    const orders = startLoad(postOrder);
    for (let version = 2; version <= REDEPLOYS + 1; version++) {
      await deploy(version);
      await expect
        .poll(() => [calls.answers.at(-1), requests.answers.at(-1), orders.answers.at(-1)], {
          timeout: 30_000,
        })
        .toEqual([version, version, version]);
    }
    const [called, requested, ordered] = [await calls.stop(), await requests.stop(), await orders.stop()];

    expect(called.failures).toEqual([]);
    expect(requested.failures).toEqual([]);
    expect(ordered.failures).toEqual([]);
    expect(called.answers.length).toBeGreaterThan(100);
    expect(requested.answers.length).toBeGreaterThan(100);
    for (let again = 0; again < 20; again++) {
      expect(await answer.remote()).toBe(REDEPLOYS + 1);
      expect(await fetchVersion()).toBe(REDEPLOYS + 1);
    }
  });

  test('a version that does not load fails no call: the old one goes on', async () => {
    await deploy(10);
    const answer = RemoteFunction.fromName<() => number>('rolling', 'answer', { client });
    await waitUntil(async () => (await answer.remote()) === 10, { timeoutMs: 30_000 });
    const calls = startLoad(() => answer.remote());
    const broken = await project.write(
      'app.ts',
      `${source(11)}\nif (!process.env.GANTRY_BUILD) throw new Error('does not load');\n`,
    );
    expect((await runCli(['deploy', broken, '--json'], platform.env)).code).toBe(0);
    await waitUntil(async () => (await loadFailures()) > 5, { timeoutMs: 90_000 });
    const { failures, answers } = await calls.stop();

    expect(failures).toEqual([]);
    expect(answers.at(-1)).toBe(10);
  });
});
