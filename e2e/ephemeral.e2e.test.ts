import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  fetchHttps,
  REPOSITORY,
  runCli,
  spawnCli,
  startPlatform,
  type HttpsAnswer,
  type Platform,
} from './platform.ts';

const SOURCE = `
import { App, fastapiEndpoint } from 'gantry';

const app = new App('live');
export const page = app.function(fastapiEndpoint({}, async () => ({ answer: 'first' })));
export const wait = app.localEntrypoint(async () => {
  console.log('waiting');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
});
export const leave = app.localEntrypoint(async () => console.log('left'));
`;

/** With one more endpoint, and a line in the logs. */
const MORE = `${SOURCE.replace('answer:', 'said: console.log("asked"), answer:')}
export const other = app.function(fastapiEndpoint({}, async () => 1));
`;

/** Without endpoints, so that its end does not wait for visitors. */
const SCATTER = `
import { App } from 'gantry';

const app = new App('scatter');
export const late = app.function({ maxContainers: 1 }, async (n: number) => {
  await new Promise((resolve) => setTimeout(resolve, 100));
  console.log('late ' + n);
});
export const scatter = app.localEntrypoint(async () => late.spawnMap(Array.from({ length: 20 }, (_, n) => n)));
`;

let platform: Platform;
let project: TemporaryDirectory;
let entry = '';

beforeAll(async () => {
  platform = await startPlatform();
  project = await temporaryDirectory('gantry-project-');
  entry = join(project.path, 'app.ts');
  await mkdir(join(project.path, 'node_modules'));
  await symlink(join(REPOSITORY, 'node_modules/gantry'), join(project.path, 'node_modules/gantry'));
  await writeFile(join(project.path, 'package.json'), '{ "name": "live", "type": "module" }');
  await writeFile(entry, SOURCE);
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
  await project.remove();
});

interface Running {
  child: ChildProcess;
  output: string;
}

function start(args: string[]): Running {
  const running: Running = { child: spawnCli(args, platform.env), output: '' };
  for (const stream of [running.child.stdout, running.child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (running.output += text));
  }
  return running;
}

/** Ctrl-C. */
async function interrupt({ child }: Running): Promise<number | null> {
  const exited = once(child, 'exit');
  child.kill('SIGINT');
  await exited;
  return child.exitCode;
}

async function appStates(): Promise<string[]> {
  const list = await runCli(['app', 'list', '--json'], platform.env);
  return (JSON.parse(list.stdout) as { state: string }[]).map((app) => app.state);
}

describe('gantry serve', () => {
  test('keeps its URL while the code changes, and its last good version when a change is broken', async () => {
    const serve = start(['serve', entry]);
    await waitUntil(() => serve.output.includes('Watching for changes'), { timeoutMs: 30_000 });
    const url = /https:\S+/.exec(serve.output)?.[0] ?? '';
    const answer = async () => (await fetchHttps({ url, caPath: platform.ready.caPath })).body;
    expect(url).toContain('local--live-page-dev.gantry.localhost');
    expect(await answer()).toContain('first');

    await writeFile(entry, MORE.replace('first', 'second'));
    await waitUntil(async () => (await answer()).includes('second'), { timeoutMs: 30_000 });
    await waitUntil(() => /^  \+ other  https:\S+live-other-dev/m.test(serve.output), { timeoutMs: 30_000 });
    await waitUntil(() => /^asked$/m.test(serve.output), { timeoutMs: 30_000 });

    await writeFile(entry, 'export const broken: = 1;');
    await waitUntil(() => serve.output.includes('The last good version goes on serving.'), {
      timeoutMs: 30_000,
    });
    expect(serve.output).toContain('error[BUILD_FAILED]: app.ts:1: syntax error');
    expect(serve.output).toContain('  > 1 | export const broken: = 1;\n      |                      ^\n');
    expect(await answer()).toContain('second');

    await writeFile(entry, SOURCE);
    await waitUntil(async () => (await answer()).includes('first'), { timeoutMs: 30_000 });
    expect(await interrupt(serve)).toBe(0);
    expect(await appStates()).toEqual(['stopped']);
  });
});

describe('gantry serve of sources with a mistake', () => {
  test('shows it in its source, and serves once it is corrected', async () => {
    await writeFile(entry, 'export const broken: = 1;');
    const serve = start(['serve', entry]);
    try {
      await waitUntil(() => serve.output.includes('Nothing is served yet'), { timeoutMs: 60_000 });
      expect(serve.output).toContain('  > 1 | export const broken: = 1;\n      |                      ^\n');
      await writeFile(entry, 'export const broken: = 2;');
      await waitUntil(() => serve.output.includes('  > 1 | export const broken: = 2;'), {
        timeoutMs: 60_000,
      });
      await writeFile(entry, SOURCE);
      await waitUntil(() => serve.output.includes('Watching for changes'), { timeoutMs: 60_000 });
      const url = /https:\S+/.exec(serve.output)?.[0] ?? '';
      expect((await fetchHttps({ url, caPath: platform.ready.caPath })).body).toContain('first');
    } finally {
      await interrupt(serve);
    }
    expect(await appStates()).not.toContain('ephemeral');
  });
});

describe('gantry serve, asked all the time', () => {
  test('drops no request while versions change, nor one that a change finds under way', async () => {
    const slow = (word: string) =>
      `${SOURCE.replace('first', word)}
export const slow = app.function(fastapiEndpoint({}, async (ms: number) => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return '${word}';
}));`;
    await writeFile(entry, slow('first'));
    const serve = start(['serve', entry]);
    await waitUntil(() => serve.output.includes('Watching for changes'), { timeoutMs: 30_000 });
    const [page = '', waits = ''] = serve.output.match(/https:\S+/g) ?? [];
    const ask = (url: string) => fetchHttps({ url, caPath: platform.ready.caPath });
    const answers: HttpsAnswer[] = [];
    let isOver = false;
    const asking = Array.from({ length: 3 }, async () => {
      while (!isOver) answers.push(await ask(page));
    });
    try {
      const underWay = ask(`${waits}?ms=4000`);
      for (const word of ['second', 'third', 'fourth']) {
        await writeFile(entry, slow(word));
        await waitUntil(() => answers.at(-1)?.body.includes(word) ?? false, { timeoutMs: 30_000 });
      }
      expect(await underWay).toMatchObject({ status: 200, body: expect.stringMatching(/first|second/) });
    } finally {
      isOver = true;
      await Promise.all(asking);
      await interrupt(serve);
      await writeFile(entry, SOURCE);
    }
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  });
});

describe('gantry serve of an app with values of a dotenv file', () => {
  test('goes on with new values when the file changes', async () => {
    const dotenv = join(project.path, '.env');
    await writeFile(dotenv, 'WORD=first');
    await writeFile(
      entry,
      `import { App, fastapiEndpoint, Secret } from 'gantry';
const app = new App('live');
export const page = app.function(
  { secrets: [Secret.fromDotenv(${JSON.stringify(project.path)})] },
  fastapiEndpoint({}, async () => process.env.WORD),
);`,
    );
    const serve = start(['serve', entry]);
    try {
      await waitUntil(() => serve.output.includes('Watching for changes'), { timeoutMs: 30_000 });
      const url = /https:\S+/.exec(serve.output)?.[0] ?? '';
      const answer = async () => (await fetchHttps({ url, caPath: platform.ready.caPath })).body;
      expect(await answer()).toBe('"first"');

      await writeFile(dotenv, 'WORD=second');
      await waitUntil(async () => (await answer()) === '"second"', { timeoutMs: 60_000 });
    } finally {
      await interrupt(serve);
      await writeFile(entry, SOURCE);
    }
  });
});

describe('gantry serve of an app that is stopped from elsewhere', () => {
  test('ends and says so', async () => {
    const serve = start(['serve', entry]);
    await waitUntil(() => serve.output.includes('Watching for changes'), { timeoutMs: 60_000 });
    const exited = once(serve.child, 'exit');
    const list = await runCli(['app', 'list', '--json'], platform.env);
    const apps = JSON.parse(list.stdout) as { id: string; state: string }[];
    const appId = apps.find(({ state }) => state === 'ephemeral')?.id ?? '';
    expect((await runCli(['app', 'stop', appId], platform.env)).code).toBe(0);

    expect((await exited)[0]).toBe(1);
    expect(serve.output).toMatch(/app "ap-\w+" was stopped from elsewhere/);
  });
});

describe('gantry serve --timeout', () => {
  test('ends by itself', async () => {
    const result = await runCli(['serve', '--timeout', '0.5', entry], platform.env);

    expect(result.code, result.stderr).toBe(0);
    expect(await appStates()).not.toContain('ephemeral');
  });
});

describe('gantry deploy', () => {
  test('--stream-logs prints what containers of the new version print, until Ctrl-C', async () => {
    await writeFile(entry, SOURCE.replace('answer:', 'said: console.log("asked"), answer:'));
    const deploy = start(['deploy', '--stream-logs', entry]);
    await waitUntil(() => deploy.output.includes('Live in environment'), { timeoutMs: 30_000 });
    const url = /https:\S+/.exec(deploy.output)?.[0] ?? '';

    expect((await fetchHttps({ url, caPath: platform.ready.caPath })).status).toBe(200);
    await waitUntil(() => /^asked$/m.test(deploy.output), { timeoutMs: 30_000 });

    expect(await interrupt(deploy)).toBe(0);
    await writeFile(entry, SOURCE);
    expect((await runCli(['app', 'stop', 'live'], platform.env)).code).toBe(0);
  });
});

describe('gantry run', () => {
  test('stops its app at Ctrl-C', async () => {
    const run = start(['run', `${entry}::wait`]);
    await waitUntil(() => run.output.includes('waiting'), { timeoutMs: 30_000 });
    expect(await appStates()).toContain('ephemeral');

    expect(await interrupt(run)).toBe(130);

    expect(await appStates()).not.toContain('ephemeral');
  });

  test('loses its local code at once, and its app soon, when it is killed', async () => {
    const run = start(['run', `${entry}::wait`]);
    await waitUntil(() => run.output.includes('waiting'), { timeoutMs: 30_000 });

    run.child.kill('SIGKILL');

    await waitUntil(() => run.child.stdout?.closed === true, { timeoutMs: 5_000 });
    await waitUntil(async () => !(await appStates()).includes('ephemeral'), { timeoutMs: 60_000 });
  });

  test('with --detach leaves an app that runs what was spawned into it, and then ends', async () => {
    const scatter = join(project.path, 'scatter.ts');
    await writeFile(scatter, SCATTER);
    const result = await runCli(['run', '--detach', scatter], platform.env);
    expect(result.code, result.stderr).toBe(0);
    const appId = /gantry app stop (ap-\w{22})/.exec(result.stderr)?.[1] ?? '';

    const stateOf = async () => {
      const list = await runCli(['app', 'list', '--json'], platform.env);
      return (JSON.parse(list.stdout) as { id: string; state: string }[]).find(({ id }) => id === appId)
        ?.state;
    };
    await waitUntil(async () => (await stateOf()) === 'stopped', { timeoutMs: 60_000 });

    const logs = await runCli(['app', 'logs', appId], platform.env);
    const done = logs.stdout.split('\n').filter((line) => line.startsWith('late '));
    expect(new Set(done).size).toBe(20);
  });

  test('leaves its app running with --detach', async () => {
    const result = await runCli(['run', '--detach', `${entry}::leave`], platform.env);

    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toContain('left');
    expect(await appStates()).toContain('detached');
    const appId = /gantry app stop (ap-\w{22})/.exec(result.stderr)?.[1] ?? '';
    expect((await runCli(['app', 'stop', appId], platform.env)).code).toBe(0);
  });
});
