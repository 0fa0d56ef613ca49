import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { Client, Cls, FunctionCall, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { checkSize, Greeter, multiply, square, whereAmI } from '../examples/hello-world/src/app.ts';
import {
  fetchHttps,
  REPOSITORY,
  runCli,
  runNx,
  runProgram,
  startPlatform,
  type Platform,
} from './platform.ts';

const ENTRY = 'examples/hello-world/src/app.ts';
const SCRIPT = 'examples/hello-world/src/script.ts';

const TSC = join(REPOSITORY, 'node_modules/typescript/bin/tsc');

const USES_CLIENT = `import { Client } from 'gantry';
import { countdown, Greeter, multiply, square } from './hello.ts';
const product: number = await multiply.remote(3, 4, {});
console.log(await square.remote(12), product);
console.log(await Greeter.instance({ greeting: 'Hello' }).greet.remote('Ada'));
const words: string[] = [];
for await (const word of countdown.remoteGen(2)) words.push(word);
console.log(words.join(' '));
await Client.default().close();
// Each of these lines is wrong, and never runs.
export const mistakes = () => [
  // @ts-expect-error text for a number
  square.remote('12'),
  // @ts-expect-error one argument too many
  square.remote(1, 2),
  // @ts-expect-error no such parameter
  Greeter.instance({ word: 'Hello' }),
  // @ts-expect-error no such method
  Greeter.instance().start.remote(),
];
`;
const USES_CLIENT_CONFIG = {
  extends: join(REPOSITORY, 'tsconfig.base.json'),
  include: ['*.ts'],
};

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform();
  process.env['GANTRY_DATA_DIR'] = platform.ready.dataDir;
  const deployed = await runNx('hello-world:deploy', platform.env);
  expect(deployed.code, deployed.stdout + deployed.stderr).toBe(0);
});

afterAll(async () => {
  await Client.default().close();
  await platform[Symbol.asyncDispose]();
});

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const value of values) collected.push(value);
  return collected;
}

describe('hello-world, called from another program', () => {
  test('runs a function in a container', async () => {
    const where = RemoteFunction.fromName<typeof whereAmI>('hello-world', 'whereAmI');

    expect(await where.remote()).toBe('in a container');
  });

  test('maps 200 inputs in order', async () => {
    const remote = RemoteFunction.fromName<typeof square>('hello-world', 'square');
    const inputs = Array.from({ length: 200 }, (_, x) => x);

    expect(await collect(remote.map(inputs))).toEqual(inputs.map((x) => x * x));
  });

  test('zips several inputs, and spreads tuples', async () => {
    const remote = RemoteFunction.fromName<typeof multiply>('hello-world', 'multiply');

    expect(await collect(remote.map([1, 2, 3], [10, 20, 30]))).toEqual([10, 40, 90]);
    expect(
      await collect(
        remote.starmap([
          [2, 3],
          [4, 5],
        ]),
      ),
    ).toEqual([6, 20]);
  });

  test('gets the result of a spawned call by its id', async () => {
    const remote = RemoteFunction.fromName<typeof square>('hello-world', 'square');

    const call = await remote.spawn(12);

    expect(await FunctionCall.fromId<number>(call.id).get({ timeoutMs: 30_000 })).toBe(144);
  });

  test('throws what the function threw, with its remote stack', async () => {
    const remote = RemoteFunction.fromName<typeof checkSize>('hello-world', 'checkSize');

    const failure = await remote.remote(9).catch((error: unknown) => error);

    expect(failure).toMatchObject({ name: 'TooLargeError', message: '9 is larger than 3', limit: 3 });
    expect((failure as Error).stack).toContain('app.ts');
  });

  test('keeps one set of containers per set of class parameters', async () => {
    const greeter = Cls.fromName<typeof Greeter>('hello-world', 'Greeter');

    expect(await greeter.instance({ greeting: 'Welcome' }).greet.remote('Ada')).toBe('Welcome, Ada!');
    expect(await greeter.instance().greet.remote('Ada')).toBe('Hello, Ada!');
  });

  test('is called by its typed client, which is written from what is deployed, without its sources', async () => {
    await using folder = await temporaryDirectory();
    await symlink(join(REPOSITORY, 'node_modules'), join(folder.path, 'node_modules'));
    const written = await runCli(
      ['app', 'client', 'hello-world', '-o', 'hello.ts'],
      platform.env,
      folder.path,
    );
    expect(written.code, written.stderr).toBe(0);
    await writeFile(join(folder.path, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder.path, 'uses.ts'), USES_CLIENT);
    await writeFile(join(folder.path, 'tsconfig.json'), JSON.stringify(USES_CLIENT_CONFIG));

    const compiled = await runProgram([TSC, '-p', folder.path], {}, folder.path);
    expect(compiled.stdout).toBe('');
    const used = await runProgram([join(folder.path, 'uses.ts')], platform.env);

    expect(used.stdout, used.stderr).toBe('144 12\nHello, Ada!\n2… 1… go\n');
  });

  test('answers over HTTPS', async () => {
    const url = `${platform.ready.gatewayUrl.replace('://', '://local--hello-world-greeter-hello.')}/?name=Ada`;

    const answer = await fetchHttps({ url, caPath: platform.ready.caPath });

    expect(answer.status, answer.body).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ message: 'Hello, Ada!' });
  });
});

describe('a plain program', () => {
  test('brings its app up by itself, and shows what its containers print', async () => {
    const result = await runProgram([SCRIPT, '7'], platform.env);

    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout.trim().split('\n').sort()).toEqual([
      'local: 49',
      'remote: 49',
      expect.stringMatching(/^squared 7 in input in-\w{22}$/),
    ]);
  });
});

describe('gantry run', () => {
  test('runs the local entrypoint with flags', async () => {
    const result = await runCli(
      ['run', `${ENTRY}::main`, '--n', '5', '--no-loud', '--name', 'Ada'],
      platform.env,
    );

    expect(result.code, result.stderr).toBe(0);
    for (const line of [
      'local: 16, remote: 16',
      'whereAmI: here on this machine, there in a container',
      'sum of 5 squares: 30, in order: true',
      'zipped map, scaled by 1.5: 0 1.5 3 4.5 6',
      'zipped map, the same last argument for all: 10.5 40.5 90.5',
      'starmap: 2 12 30',
      'forEach: done',
      'spawned: 144, by id: 144',
      'gathered: 1 4 9',
      'error: 9 is larger than 3, the same class: true, with stack: true',
      'returned exceptions: 1 error 2',
      'countdown: 3… 2… 1… go',
      'registered: square multiply whereAmI checkSize countdown',
      'square, found by its name: 36',
      'Welcome, Ada!',
    ]) {
      expect(result.stdout).toContain(line);
    }
  });

  test('takes the only entrypoint without its name, and its defaults: 200 inputs, loud', async () => {
    const result = await runCli(['run', '-q', ENTRY, '--tone=cool'], platform.env);

    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toContain('SUM OF 200 SQUARES: 2646700, IN ORDER: TRUE');
    expect(result.stdout).toContain('GOOD DAY, STRANGER!');
  });

  test('takes the only function without its name, and prints its result', async () => {
    const result = await runCli(['run', SCRIPT, '--x', '5'], platform.env);

    expect(result.code, result.stderr).toBe(0);
    expect(result.stderr).toContain('Started script.ts (ap-');
    expect(result.stdout.split('\n')).toContain('25');
  });

  test('prints the output of containers, standard error apart', async () => {
    const result = await runCli(['run', `${ENTRY}::square`, '--x', '50'], platform.env);

    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toContain('2500');
    expect(result.stdout).toContain('square(50) runs in input in-');
    expect(result.stderr).toContain('square(50) says so on standard error too');
  });

  test('calls a method; class parameters are flags too', async () => {
    const target = `${ENTRY}::Greeter.greet`;

    const result = await runCli(['run', '-q', target, '--greeting', 'Hi', '--name', 'Bo'], platform.env);

    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toContain('Hi, Bo!');
  });

  test('takes a module and the name of its app, and writes a result into a file', async () => {
    const file = join(platform.ready.dataDir, 'greeting.txt');
    const target = `./${ENTRY.replace('.ts', '')}::app.Greeter.greet`;

    const result = await runCli(['run', '-q', '-w', file, '-m', target, '--name', 'Bo'], platform.env);

    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).not.toContain('Hello, Bo!');
    expect(await readFile(file, 'utf8')).toBe('Hello, Bo!');
  });

  test('ends with 1 and the remote stack when the function throws', async () => {
    const result = await runCli(['run', `${ENTRY}::checkSize`, '--value', '9'], platform.env);

    expect(result.code).toBe(1);
    expect(result.stderr).toContain('9 is larger than 3');
    expect(result.stderr).toContain('app.ts');
  });

  test('leaves no app running behind', async () => {
    const list = await runCli(['app', 'list', '--json'], platform.env);

    const apps = JSON.parse(list.stdout) as { state: string }[];
    expect(apps.filter((app) => app.state === 'ephemeral')).toEqual([]);
  });

  test('shows the flags of the target', async () => {
    const result = await runCli(['run', `${ENTRY}::main`, '--help'], platform.env);

    expect(result.code).toBe(0);
    expect(result.stdout).toContain('--n <number>');
    expect(result.stdout).toContain('--loud, --no-loud');
    expect(result.stdout).toContain('--tone <warm|cool>');
  });

  test.each<[string[], string]>([
    [[`${ENTRY}::main`, '--n', 'five'], '--n must be a number, not "five"'],
    [[`${ENTRY}::main`, '--tone', 'hot'], '--tone must be one of warm, cool'],
    [[`${ENTRY}::main`, '--volume', '3'], 'unknown flag "--volume"'],
    [[`${ENTRY}::square`], '--x is missing'],
    [[`${ENTRY}::nothing`], 'nothing called "nothing"'],
    [[`${ENTRY}::Greeter`], 'is a class'],
    [['::main'], 'is not a target'],
    [[], 'target'],
  ])('refuses %j as wrong usage', async (args, message) => {
    const result = await runCli(['run', ...args], platform.env);

    expect(result.code).toBe(2);
    expect(result.stderr).toContain('error[INVALID_ARGUMENT]');
    expect(result.stderr).toContain(message);
    expect(result.stderr).not.toContain('    at ');
  });
});

describe('other commands', () => {
  test('logs show what containers wrote', async () => {
    const result = await runCli(['app', 'logs', 'hello-world'], platform.env);

    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toContain('Greeter("Welcome") starts');
  });

  test('lists print tables for people', async () => {
    await RemoteFunction.fromName<typeof square>('hello-world', 'square').remote(1);
    const apps = await runCli(['app', 'list'], platform.env);
    const containers = await runCli(['container', 'list'], platform.env);

    expect(apps.stdout).toMatch(/^APP +ID +STATE/);
    expect(apps.stdout).toMatch(/hello-world +ap-\w{22} +deployed/);
    expect(containers.stdout).toMatch(/^CONTAINER +APP +FUNCTION/);
    expect(containers.stdout).toContain('hello-world');
  });

  test('build writes a manifest that deploys', async () => {
    const out = join(platform.ready.dataDir, 'build');

    const built = await runCli(['build', ENTRY, '--out', out], platform.env);
    const deployed = await runCli(['deploy', '--manifest', out, '--name', 'copy', '--json'], platform.env);

    expect(built.code, built.stderr).toBe(0);
    expect(built.stdout).toMatch(/Greeter\.greet +class/);
    expect(JSON.parse(deployed.stdout)).toMatchObject({ appName: 'copy', version: 1 });
  });

  test('doctor is content', async () => {
    const result = await runCli(['doctor', '--json'], platform.env);

    expect(result.code, result.stdout).toBe(0);
  });

  test('a stopped app cannot be called', async () => {
    const stopped = await runCli(['app', 'stop', 'copy'], platform.env);

    expect(stopped.code, stopped.stderr).toBe(0);
    const remote = RemoteFunction.fromName<typeof square>('copy', 'square');
    await expect(remote.remote(1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test.each<[string[], number, string]>([
    [['depoly'], 2, 'Did you mean deploy?'],
    [['app', 'lst'], 2, 'Did you mean "list"?'],
    [['deploy'], 2, 'the entry is missing'],
    [['deploy', 'no-such-file.ts'], 1, 'does not exist'],
    [['app', 'logs', 'no-such-app'], 1, 'no-such-app'],
    [['container', 'stop', 'ta-0'], 1, 'ta-0'],
    [['up', '--port', 'abc'], 2, '--port must be a whole number'],
    [['worker'], 2, '--nats is missing'],
  ])('gantry %j ends with %d and says why', async (args, code, message) => {
    const { GANTRY_DATA_DIR } = platform.env;

    const result = await runCli(args, { GANTRY_DATA_DIR });

    expect(result.code, result.stderr).toBe(code);
    expect(result.stderr).toMatch(/^error\[[A-Z_]+\]: /);
    expect(result.stderr).toContain(message);
  });

  test('without a platform commands say how to start one', async () => {
    const result = await runCli(['app', 'list'], { GANTRY_DATA_DIR: join(REPOSITORY, 'no-such-folder') });

    expect(result.code).toBe(70);
    expect(result.stderr).toContain('gantry up');
  });
});
