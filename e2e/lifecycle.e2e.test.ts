import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Client, FunctionCall, InputCancellation, RemoteError, RemoteFunction } from 'gantry';
import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createProject, type Project } from './lifecycle-project.ts';
import {
  runCli,
  runProgram as runNodeProgram,
  startPlatform,
  type Platform,
  type ProgramResult,
} from './platform.ts';

const CALLS_APP = `
import { App, concurrent, currentSignal, FunctionCall, isLocal } from 'gantry';

export const app = new App('calls');

export class PaymentError extends Error {
  constructor(message: string, readonly card: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PaymentError';
  }
}
export class Declined extends PaymentError {}

const loadedIn = isLocal() ? 'the build' : 'a container';
export const sides = app.function({ env: { LOADED_IN: loadedIn } }, async () => [loadedIn, process.env.LOADED_IN]);

export const leaf = app.function({ maxContainers: 2 }, async (n: number) => n + 1);
export const tree = app.function(async (n: number) => {
  const parts = await Promise.all([leaf.remote(n), leaf.remote(n + 1)]);
  return parts.reduce((sum, part) => sum + part, 0);
});
export const pay = app.function(async () => {
  try {
    throw new TypeError('no route to the bank');
  } catch (cause) {
    throw new Declined('card refused', '4242', { cause });
  }
});
export const catches = app.function(async () => {
  try {
    await pay.remote();
    return 'nothing thrown';
  } catch (error) {
    if (!(error instanceof Declined) || !(error instanceof PaymentError)) return 'another class';
    const cause = error.cause instanceof TypeError ? error.cause.message : 'no cause';
    const stack = String(Reflect.get(error, 'remoteStack'));
    return [error.name, error.message, error.card, cause, stack.includes('app.ts') ? 'stack' : stack].join('|');
  }
});
export const patient = app.function({ maxContainers: 1 }, concurrent({ maxInputs: 1 }, async (ms: number) => {
  const signal = currentSignal();
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => (clearTimeout(timer), console.log('heard the abort'), resolve(undefined)));
  });
  return 'done';
}));
export const local = app.localEntrypoint(async () => console.log(await catches.remote()));
`;

const PROGRAM = `
import { App } from 'gantry';

const app = new App();
const square = app.function(async (x: number) => x * x);
const where = app.function(async () => process.env.GANTRY_IS_REMOTE ?? 'here');

if (import.meta.main) {
  {
    await using run = await app.run();
    console.log(run.appId.startsWith('ap-'), await square.remote(7), await where.remote(), where.local() instanceof Promise);
  }
  console.log(await app.run(async () => await square.remote(8)));
  console.log(await square.remote(9).catch((error: Error) => error.name));
}
`;

const TALKER = `
import { App, enableOutput } from 'gantry';

const app = new App('talker');
const talk = app.function(async (word: string) => {
  console.log('said ' + word);
  console.error('muttered ' + word);
});

if (import.meta.main) {
  await app.run(() => talk.remote('nothing'));
  await enableOutput({ showProgress: false }, () => app.run(() => talk.remote('words')));
  {
    using output = enableOutput();
    await app.run(() => talk.remote('all'));
  }
}
`;

const DEPLOYER = `
import { App } from 'gantry';

const app = new App();
export const triple = app.function({ name: 'triple' }, async (x: number) => x * 3);

if (import.meta.main) {
  await app.deploy({ name: 'from-program', tag: 'by hand' });
  console.log(app.appId, await triple.remote(5));
}
`;

const CLASS_PROGRAM = `
import { App, method, parameter } from 'gantry';

export const app = new App('greeters');

class Unkind extends Error {}

@app.cls()
export class Greeter {
  @parameter() word: string = 'Hello';
  @method() async greet(name: string) {
    if (name === '') throw new Unkind('nobody to greet');
    return this.word + ' ' + name;
  }
}

if (import.meta.main) {
  const greeter = app.instance(Greeter, { word: 'Moin' });
  console.log(await app.run(async () => await greeter.greet.remote('Ada')));
  await app.run(async () => {
    const error = await greeter.greet.remote('').catch((thrown: unknown) => thrown);
    console.log(error instanceof Unkind);
  });
}
`;

const ABANDONED = `
import { App } from 'gantry';

const app = new App('abandoned');
export const f = app.function({ name: 'f' }, async () => 1);

if (import.meta.main) {
  const run = await app.run({ detach: process.argv[2] === 'detach' });
  console.log('up ' + run.appId);
  if (process.argv[2] === 'wait') await new Promise((resolve) => setTimeout(resolve, 600_000));
}
`;

let platform: Platform;
let project: Project;
let client: Client;

beforeAll(async () => {
  platform = await startPlatform();
  project = await createProject('lifecycle');
  const file = join(platform.env.GANTRY_DATA_DIR, 'connection.json');
  client = new Client(JSON.parse(await readFile(file, 'utf8')) as { serverUrl: string; token: string });
});

afterAll(async () => {
  await client.close();
  await project[Symbol.asyncDispose]();
  await platform[Symbol.asyncDispose]();
});

function runProgram(...args: string[]): Promise<ProgramResult> {
  return runNodeProgram(args, platform.env, project.folder);
}

async function stateOf(appId: string): Promise<string | undefined> {
  const apps = JSON.parse(await cli('app', 'list', '--json')) as { id: string; state: string }[];
  return apps.find(({ id }) => id === appId)?.state;
}

async function cli(...args: string[]): Promise<string> {
  const result = await runCli(args, platform.env);
  expect(result.code, result.stderr).toBe(0);
  return result.stdout;
}

describe('versions', () => {
  const versionSource = (version: number) =>
    `import { App } from 'gantry';\nconst app = new App('kept');\nexport const version = app.function(async () => ${version});\n`;

  test('are listed, and an older one comes back as a new one', async () => {
    const extra = 'export const extra = app.function(async () => 0);\n';
    await cli('deploy', await project.write('kept.ts', versionSource(1) + extra), '--tag', 'number 1');
    const entry = await project.write('kept.ts', versionSource(2));
    const deployed = await runCli(['deploy', entry, '--tag', 'number 2'], platform.env);
    const version = RemoteFunction.fromName<() => number>('kept', 'version', { client });
    expect(await version.remote()).toBe(2);

    expect(deployed.stderr).toContain('Removed: extra (the version before had them)');
    expect(await cli('app', 'rollback', 'kept')).toContain('it is live as v3');

    await waitUntil(async () => (await version.remote()) === 1);
    const history = JSON.parse(await cli('app', 'history', 'kept', '--json')) as Record<string, unknown>[];
    expect(history).toMatchObject([
      { version: 3, live: true, rollbackOf: 1, tag: 'number 1', commit: null },
      { version: 2, live: false, rollbackOf: null, tag: 'number 2' },
      { version: 1, live: false, tag: 'number 1' },
    ]);
    expect(await cli('app', 'history', 'kept')).toMatch(/v3\s+live.*rollback to v1/);
    const wrong = await runCli(['app', 'rollback', 'kept', 'third'], platform.env);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('"third" is no version')]);
  });
});

describe('calls', () => {
  beforeAll(async () => {
    await cli('deploy', await project.write('app.ts', CALLS_APP));
  });

  test('an error arrives in another container as its own class, with cause, properties and remote stack', async () => {
    const catches = RemoteFunction.fromName<() => string>('calls', 'catches', { client });
    expect(await catches.remote()).toBe('PaymentError|card refused|4242|no route to the bank|stack');
    expect(await cli('run', '-q', `${join(project.folder, 'app.ts')}::local`)).toContain('card refused|4242');
  });

  test('an error whose class this program does not know arrives as a RemoteError with the same properties', async () => {
    const pay = RemoteFunction.fromName<() => never>('calls', 'pay', { client });
    const error: unknown = await pay.remote().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ name: 'PaymentError', message: 'card refused', details: { card: '4242' } });
    expect((error as Error).cause).toBeInstanceOf(TypeError);
    expect(String(Reflect.get(error as object, 'remoteStack'))).toContain('app.ts');
  });

  test('a module is evaluated in the build and in each container; options are those of the build', async () => {
    const sides = RemoteFunction.fromName<() => string[]>('calls', 'sides', { client });
    expect(await sides.remote()).toEqual(['a container', 'the build']);
  });

  test('the graph of a call shows what its code called', async () => {
    const tree = RemoteFunction.fromName<(n: number) => number>('calls', 'tree', { client });
    const call = await tree.spawn(1);
    expect(await call.get()).toBe(5);
    const graph = await waitUntil(async () => {
      const found = await FunctionCall.fromId(call.id, { client }).getCallGraph();
      const [top] = found;
      const hasEnded = [top, ...(top?.children ?? [])].every((node) => node?.status === 'SUCCESS');
      return hasEnded && top?.children.length === 2 ? found : undefined;
    });
    const leaf = { functionName: 'leaf', status: 'SUCCESS', moduleName: 'app.ts', children: [] };
    expect(graph).toMatchObject([
      {
        functionCallId: call.id,
        functionName: 'tree',
        status: 'SUCCESS',
        containerId: expect.stringMatching(/^ta-/) as string,
        children: [leaf, leaf],
      },
    ]);
  });

  test('cancelling ends what runs through its signal, and what waits without running it', async () => {
    const patient = RemoteFunction.fromName<(ms: number) => string>('calls', 'patient', { client });
    const running = await patient.spawn(600_000);
    await waitUntil(async () => (await cli('container', 'list', '--json')).includes('"running": 1'));
    const waiting = await patient.spawn(600_000);

    await waiting.cancel();
    await expect(waiting.get()).rejects.toThrow(InputCancellation);
    await running.cancel();
    await expect(running.get()).rejects.toThrow(InputCancellation);

    expect(await patient.remote(1)).toBe('done');
    await waitUntil(async () => (await cli('app', 'logs', 'calls')).includes('heard the abort'));
    expect((await running.getCallGraph()).map(({ status }) => status)).toEqual(['TERMINATED']);
  });

  test('a map that is left early cancels the rest', async () => {
    const patient = RemoteFunction.fromName<(ms: number) => string>('calls', 'patient', { client });
    for await (const result of patient.map([1, 600_000, 600_000])) {
      expect(result).toBe('done');
      break;
    }
    expect(await patient.remote(1)).toBe('done');
  });

  test('spawnMap returns when its inputs are durable, and all of them run', async () => {
    const leaf = RemoteFunction.fromName<(n: number) => number>('calls', 'leaf', { client });
    await leaf.spawnMap(Array.from({ length: 300 }, (_, n) => n));
    expect(await leaf.remote(1)).toBe(2);
  });
});

describe('a program', () => {
  test('has its app up for the scope of app.run, and no longer', async () => {
    const { code, stdout, stderr } = await runProgram(await project.write('program.ts', PROGRAM));
    expect(code, stderr).toBe(0);
    expect(stdout.trim().split('\n')).toEqual(['true 49 1 true', '64', 'InvalidError']);
    const states = JSON.parse(await cli('app', 'list', '--json')) as { name?: string; state: string }[];
    expect(states.filter(({ name }) => name === undefined).map(({ state }) => state)).toEqual([
      'stopped',
      'stopped',
    ]);
  });

  test('shows what its containers print, and what goes on, only where it enables output', async () => {
    const { code, stdout, stderr } = await runProgram(await project.write('talker.ts', TALKER));
    expect(code, stderr).toBe(0);
    expect(stdout.trim().split('\n')).toEqual(['said words', 'said all']);
    expect(stderr).toMatch(
      /^muttered words\n✓ Built 1 function.*\n[^]*✓ Started talker[^]*View it at http:[^]*muttered all\n/,
    );
  });

  test('that was built runs from its bundle, with classes, and knows its own error classes', async () => {
    await cli('build', await project.write('built.ts', CLASS_PROGRAM), '--out', join(project.folder, 'out'));
    const { code, stdout, stderr } = await runProgram(join(project.folder, 'out/bundle.mjs'));
    expect(code, stderr).toBe(0);
    expect(stdout.trim().split('\n')).toEqual(['Moin Ada', 'true']);
  });

  test('that is killed, or just ends, takes its app down; a detached one stays', async () => {
    const entry = await project.write('abandoned.ts', ABANDONED);
    const child = spawn(process.execPath, ['--no-warnings', entry, 'wait'], {
      env: { ...process.env, ...platform.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const killed = line.toString().trim().slice('up '.length);
    expect(await stateOf(killed)).toBe('ephemeral');
    child.kill('SIGKILL');
    await waitUntil(async () => (await stateOf(killed)) === 'stopped', { timeoutMs: 10_000 });

    const ended = (await runProgram(entry)).stdout.trim().slice('up '.length);
    await waitUntil(async () => (await stateOf(ended)) === 'stopped', { timeoutMs: 10_000 });
    const detached = (await runProgram(entry, 'detach')).stdout.trim().slice('up '.length);
    expect(await stateOf(detached)).toBe('detached');
    await cli('app', 'stop', detached);
  });

  test('whose app has functions in modules that its file does not import is told to name the entry', async () => {
    await project.write('shop.ts', "import { App } from 'gantry';\nexport const app = new App('shop');\n");
    const main = (options: string) => `
      import { app } from './shop.ts';
      export const hidden = app.function({ name: 'hidden' }, async () => 'found');
      export { app };
      if (import.meta.main) console.log(await app.run(${options}async () => await hidden.remote()));
    `;
    const lost = await runProgram(await project.write('main.ts', main('')));
    expect(lost.stderr).toContain('"hidden" is registered by this program, but not by');
    const named = await runProgram(await project.write('main.ts', main('{ entry: import.meta.filename }, ')));
    expect(named.stdout.trim(), named.stderr).toBe('found');
  });

  test('deploys its app, and calls the deployment', async () => {
    const { code, stdout, stderr } = await runProgram(await project.write('deployer.ts', DEPLOYER));
    expect(code, stderr).toBe(0);
    expect(stdout.trim()).toMatch(/^ap-\w{22} 15$/);
    expect(await cli('app', 'history', 'from-program', '--json')).toContain('"tag": "by hand"');
  });

  test('that runs its app while the module loads is told so at build time', async () => {
    const source = `${PROGRAM.split('if (import.meta.main)')[0] ?? ''}\nawait app.run();\n`;
    const { code, stderr } = await runProgram(await project.write('unguarded.ts', source));
    expect(code).not.toBe(0);
    expect(stderr).toContain('app.run() was called while the app is being built');
  });

  test('is told of mistakes in its sources', async () => {
    const source = PROGRAM.replace(
      'if (import.meta.main) {',
      "if (import.meta.main) {\n  const entry = '/nowhere/app.ts';\n",
    ).replace('await app.run();', 'await app.run({ entry });');
    const { code, stderr } = await runProgram(await project.write('mistaken.ts', source));
    expect(code).not.toBe(0);
    expect(stderr).toContain('does not exist');
  });
});
