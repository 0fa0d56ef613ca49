import { readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';

import { temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { Cls, type InstanceParameters } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Desk } from './class-app.ts';
import { startPlatformWith } from './deployed-platform.ts';
import { runCli, type Platform } from './platform.ts';

const ENTRY = join(import.meta.dirname, 'class-app.ts');

let platform: Platform;
let folder: TemporaryDirectory;

beforeAll(async () => {
  // Its hooks write to files of this machine.
  platform = await startPlatformWith(ENTRY, ['--driver', 'process']);
  folder = await temporaryDirectory('gantry-classes-');
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
  await folder.remove();
});

const desk = (parameters: InstanceParameters<Desk> = {}) =>
  Cls.fromName<typeof Desk>('classes', 'Desk').instance(parameters);

describe('a class', () => {
  test('runs its hooks once per container: enter hooks before its first input, exit hooks when it ends', async () => {
    const trace = join(folder.path, 'hooks');
    const traced = (): string[] =>
      existsSync(trace) ? readFileSync(trace, 'utf8').split('\n').slice(0, -1) : [];

    await Promise.all([desk({ trace }).greet.remote('Ada'), desk({ trace }).greet.remote('Bob')]);
    await waitUntil(() => traced().includes('closeBase'), { timeoutMs: 30_000 });

    expect(traced()).toEqual([
      // Those with snap first, then in order of definition, ancestors first.
      ...['warmBase', 'warm', 'openBase', 'open'],
      ...['greet', 'greet'],
      // The last one first; one that fails keeps no other from running.
      ...['lock', 'close', 'closeBase'],
    ]);
    const { stdout, stderr } = await runCli(['app', 'logs', 'classes'], platform.env);
    expect(stdout + stderr).toContain('no memory snapshot: this worker makes none');
    expect(stdout + stderr).toContain('exit hook "close" failed: Error: the door is stuck');
  });

  test('is made by tsyringe, with what its constructor asks for, once per container', async () => {
    const ada = await desk({ floor: 2 }).greet.remote('Ada');
    const bob = await desk({ floor: 2 }).greet.remote('Bob');

    expect([ada, bob]).toEqual(['Hello Ada, number 1 of 1', 'Hello Bob, number 2 of 2']);
  });

  test('gets parameters of each type as they were passed; equal ones share a container', async () => {
    const key = Uint8Array.of(0, 255, 7);
    const given = { size: 'large', floor: 3, isOpen: true, key } as const;

    const [first, again] = [await desk(given).describe.remote(), await desk(given).describe.remote()];
    const defaults = await desk({ floor: 1, size: 'small' }).describe.remote();
    const implied = await desk().describe.remote();

    expect(first).toMatchObject(given);
    expect(again).toEqual(first);
    expect(defaults).toMatchObject({ size: 'small', floor: 1, isOpen: false, key: undefined });
    expect(implied).toEqual(defaults);
    expect((first as { container: string }).container).not.toBe(
      (defaults as { container: string }).container,
    );
  });

  test.each<[what: string, parameters: object, message: string]>([
    [
      'a value that is none of its choices',
      { size: 'medium' },
      'must be one of "small", "large", not "medium"',
    ],
    ['text in place of a number', { floor: '1' }, 'parameter "floor" of class "Desk" must be'],
    ['a name that it does not have', { colour: 'red' }, 'class "Desk" has no parameter "colour"'],
    ['more than 16 KiB', { trace: 'x'.repeat(20_000) }, 'exceed 16 KiB'],
  ])('refuses parameters at the caller: %s', async (_what, parameters, message) => {
    await expect(desk(parameters as never).describe.remote()).rejects.toThrow(message);
  });
});
