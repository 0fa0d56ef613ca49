import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import type { ContainerSummary } from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startPlatformWith } from './deployed-platform.ts';
import { Person } from './person.ts';
import { REPOSITORY, runCli, spawnCli, type Platform } from './platform.ts';
import type { keep } from './shells-app.ts';

const ENTRY = 'e2e/shells-app.ts';
const CLI = join(REPOSITORY, 'dist/cli.mjs');

let platform: Platform;
let containerId: string;

beforeAll(async () => {
  platform = await startPlatformWith(ENTRY);
  const ready = await waitUntil(async () => (await containers()).find(({ state }) => state === 'ready'));
  containerId = ready.containerId;
});
afterAll(() => platform[Symbol.asyncDispose]());

async function containers(): Promise<ContainerSummary[]> {
  const { stdout } = await runCli(['container', 'list', '--json'], platform.env);
  return JSON.parse(stdout) as ContainerSummary[];
}

/** Runs `gantry` to its end, with this for its input. */
async function pipe(args: string[], input: string) {
  const child = spawnCli(args, platform.env);
  child.stdin?.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout as never), text(child.stderr as never)]);
  if (child.exitCode === null) await once(child, 'exit');
  return { code: child.exitCode, stdout, stderr };
}

describe('gantry container exec', () => {
  test('runs a program with its words, streams and exit code', async () => {
    const script = 'echo "$FLAVOUR|$1"; echo woe >&2; exit 9';
    const { code, stdout, stderr } = await pipe(
      ['container', 'exec', containerId, 'sh', '-c', script, 'sh', 'a  b'],
      '',
    );
    expect({ code, stdout, stderr }).toEqual({ code: 9, stdout: 'mint|a  b\n', stderr: 'woe\n' });
  });

  test('passes standard input on, to its end', async () => {
    const { code, stdout } = await pipe(['container', 'exec', containerId, '--', 'cat'], 'x\ny');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'x\ny' });
  });

  test('passes 100 MB on in each direction without filling the platform', async () => {
    const bytes = 100_000_000;
    const before = await residentBytes(platform.ready.pid);
    const line = `head -c ${bytes} /dev/zero | node ${CLI} container exec ${containerId} -- cat | wc -c`;
    const shell = spawn('sh', ['-c', line], { env: { ...process.env, ...platform.env } });
    expect(await text(shell.stdout)).toBe(`${bytes}\n`);
    expect(await residentBytes(platform.ready.pid)).toBeLessThan(before + bytes / 2 + 60_000_000);
  });

  test.each([
    ['a container that does not run', ['ta-none', 'ls'], 1, 'does not run'],
    ['no program', ['ta-none'], 2, 'command'],
  ])('says what is wrong with %s', async (_what, args, code, message) => {
    const result = await runCli(['container', 'exec', ...args], platform.env);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(message);
  });

  test('ends with 127 if there is no such program', async () => {
    const { code, stderr } = await pipe(['container', 'exec', containerId, 'no-such-program'], '');
    expect(code).toBe(127);
    expect(stderr).toContain('no-such-program');
  });

  test('ends the program when it is killed', async () => {
    const child = spawnCli(
      ['container', 'exec', containerId, 'sh', '-c', 'echo up $$; exec sleep 600'],
      platform.env,
    );
    const [shown] = (await once(child.stdout as never, 'data')) as [Buffer];
    child.kill('SIGKILL');
    const pid = shown.toString().trim().split(' ')[1];
    const probe = `while kill -0 ${pid} 2>/dev/null; do sleep 0.05; done`;
    expect((await pipe(['container', 'exec', containerId, 'sh', '-c', probe], '')).code).toBe(0);
  });
});

describe('gantry shell', () => {
  test('is a terminal in a running container: size, keys, Ctrl-C, exit code; this terminal is as before', async () => {
    await using person = await Person.runs(['shell', containerId], platform.env);
    person.type('PS1=; echo ready $(stty size) $TERM\n');
    await person.sees('ready 22 111 xterm-256color');
    person.resize(77, 18);
    await waitUntil(
      () => {
        person.type('echo size $(stty size)\n');
        return person.shown.includes('size 18 77');
      },
      { intervalMs: 300 },
    );
    person.type("sh -c 'echo sleeps; exec sleep 600'\n");
    await person.sees('sleeps\r');
    person.type('\u0003');
    person.type('echo interrupted: $?\n');
    await person.sees('interrupted: 130');
    person.type('exit 6\n');
    expect(await person.leaves()).toBe(6);
    expect(person.shown.trimEnd().split(/\s+/).at(-1)).toBe('icanon');
  });

  test('leaves the terminal as it was when it is ended by a signal', async () => {
    await using person = await Person.runs(['shell', containerId], platform.env);
    person.type('echo up:$FLAVOUR\n');
    await person.sees('up:mint');
    person.signalsGantry('SIGTERM');
    expect(await person.leaves()).toBe(143);
    expect(person.shown.trimEnd().split(/\s+/).at(-1)).toBe('icanon');
  });

  test('reads lines from a pipe where there is no terminal', async () => {
    const { code, stdout } = await pipe(
      ['shell', containerId],
      'tty -s || echo "no terminal, $FLAVOUR"\nexit 3\n',
    );
    expect({ code, stdout }).toEqual({ code: 3, stdout: 'no terminal, mint\n' });
  });

  test('without a target is in a new container, made of what the flags say', async () => {
    const line = 'echo "$GANTRY_CONTAINER_ID"; pwd; exit 4';
    const { code, stdout, stderr } = await pipe(['shell', '--cpu', '0.5', '--memory', '256', '-c', line], '');
    expect({ code, stdout }).toEqual({ code: 4, stdout: expect.stringMatching(/^ta-\w{22}\n\//) as string });
    expect(stderr).not.toContain('rror');
    const { stdout: listed } = await runCli(['app', 'list'], platform.env);
    expect(listed).not.toMatch(/gantry shell .*running/);
  });

  test('without a target has the volumes that flags name, below /mnt', async () => {
    for (const name of ['notes', 'more']) await runCli(['volume', 'create', name], platform.env);
    // Containers without a file system of their own have it in the working directory.
    const line = '[ -d /mnt/notes ] && cd /mnt || cd mnt; ls; echo hello > notes/hello.txt';
    const { code, stdout } = await pipe(['shell', '--volume', 'notes', '--volume', 'more', '-c', line], '');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'more\nnotes\n' });
    const committed = () =>
      runCli(['volume', 'ls', 'notes'], platform.env).then(({ stdout }) => stdout.includes('hello.txt'));
    await waitUntil(committed, { timeoutMs: 60_000, intervalMs: 500, what: 'the note to be committed' });
  });

  test.each([
    [['--cpu', 'many'], '--cpu needs a number above 0'],
    [
      ['--gpu', 'abacus:4'],
      'no machine has room for a container of "shell" (cpu 0.125, memoryMiB 128, gpu ABACUS:4)',
    ],
    [['--image', 'node:22', ENTRY], '--image goes without a target'],
  ])('says what is wrong with %j', async (args, words) => {
    const { code, stderr } = await runCli(['shell', ...args], platform.env);
    expect([code, stderr]).toEqual([expect.any(Number), expect.stringContaining(words)]);
    expect(code).not.toBe(0);
  });

  test('of a function is in a container of its own, which ends with it', async () => {
    await using person = await Person.runs(['shell', `${ENTRY}::rest`], platform.env);
    person.type('echo in:$GANTRY_CONTAINER_ID:$FLAVOUR\n');
    await person.sees(/in:ta-\w+:vanilla/);
    const own = /in:(ta-\w+):/.exec(person.shown)?.[1];
    expect(own).not.toBe(containerId);
    const listed = await containers();
    expect(
      listed
        .filter(({ state }) => state !== 'stopped')
        .map((one) => one.containerId)
        .sort(),
    ).toEqual([containerId, own].sort());
    person.type('exit 5\n');
    expect(await person.leaves()).toBe(5);
    await waitUntil(async () => (await containers()).every((one) => one.containerId !== own));
  });

  test('of a function runs one line, too', async () => {
    const { code, stdout } = await pipe(['shell', `${ENTRY}::keep`, '--cmd', 'echo $FLAVOUR; exit 4'], '');
    expect({ code, stdout }).toEqual({ code: 4, stdout: 'mint\n' });
  });

  test('asks for one of several functions only where somebody can answer', async () => {
    const { code, stderr } = await pipe(['shell', ENTRY], '');
    expect(code).toBe(2);
    expect(stderr).toContain('keep, rest');
  });

  test('tells that its container ended', async () => {
    await using person = await Person.runs(['shell', `${ENTRY}::rest`], platform.env);
    person.type('echo in:$GANTRY_CONTAINER_ID.\n');
    await person.sees(/in:ta-\w+\./);
    const own = /in:(ta-\w+)\./.exec(person.shown)?.[1] ?? '';
    expect((await runCli(['container', 'stop', '--kill', own], platform.env)).code).toBe(0);
    expect(await person.leaves()).toBe(137);
    expect(person.shown).toContain('The container has ended.');
  });
});

describe('gantry container logs', () => {
  test('prints what a container wrote, and goes on until it ends', async () => {
    const remote = RemoteFunction.fromName<typeof keep>('shells', 'keep');
    expect(await remote.remote('first')).toBe(5);
    const logs = spawnCli(['container', 'logs', containerId], platform.env);
    let shown = '';
    logs.stdout?.on('data', (data: Buffer) => (shown += data.toString()));
    await waitUntil(() => shown.includes('heard first'));
    await remote.remote('second');
    await waitUntil(() => shown.includes('heard second'));
    await runCli(['container', 'stop', '--kill', containerId], platform.env);
    if (logs.exitCode === null) await once(logs, 'exit');
    expect(logs.exitCode).toBe(0);

    const late = await runCli(['container', 'logs', '--no-follow', containerId], platform.env);
    expect(late.stdout).toBe('heard first\nheard second\n');
    const unknown = await runCli(['container', 'logs', 'ta-0000000000000000000000'], platform.env);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('is not known')]);
  });
});

async function residentBytes(pid: number): Promise<number> {
  const ps = spawn('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(await text(ps.stdout)) * 1024;
}
