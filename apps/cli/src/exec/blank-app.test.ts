import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { CommandOptions } from '../command.ts';
import { blankApp } from './blank-app.ts';

let directory: TemporaryDirectory;

// Its files go when the command ends, which a test does not.
beforeAll(async () => {
  directory = await temporaryDirectory('gantry-blank-');
  vi.stubEnv('TMPDIR', directory.path);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await directory.remove();
});

const app = (values: Record<string, unknown>) => blankApp(new CommandOptions(values), '1.0.0').manifest;

describe('an app for a shell alone', () => {
  test('has the default image and no limits of its own when no flag is given', () => {
    const { images, functions } = app({});
    expect(images).toBeUndefined();
    expect(functions[0]?.options).toEqual({});
  });

  test('has the image, sizes and place that flags say', () => {
    const { images, functions } = app({
      ...{ image: 'python:3.12', addPython: '3.11', cpu: '0.5', memory: '256' },
      ...{ gpu: 'a100:4', cloud: 'rack', region: 'eu, us' },
    });
    expect(images?.[0]?.steps).toEqual([{ type: 'registry', reference: 'python:3.12', addPython: '3.11' }]);
    expect(functions[0]?.options).toEqual({
      ...{ image: 0, cpu: 0.5, memoryMiB: 256, gpu: ['A100:4'], cloud: 'rack', region: ['eu', 'us'] },
    });
  });

  test('has an image that was built before, by its id', () => {
    const id = 'im-4xKz01mW2hV7QpLr9TnYbC';
    expect(app({ image: id }).images?.[0]?.steps).toEqual([{ type: 'image', id }]);
  });

  test('has Debian with Python when only Python is asked for', () => {
    expect(app({ addPython: '3.11' }).images?.[0]?.steps).toEqual([
      { type: 'debian', pythonVersion: '3.11' },
    ]);
  });

  test('has volumes below /mnt, or in its working directory where its files are those of the machine', () => {
    const options = new CommandOptions({ volume: ['b', 'a', 'b'] });
    const of = (hasOwnRoot: boolean) =>
      blankApp(options, '1.0.0', hasOwnRoot).manifest.functions[0]?.options.volumes;
    expect(of(true)).toEqual([
      { path: '/mnt/a', name: 'a' },
      { path: '/mnt/b', name: 'b' },
    ]);
    expect(of(false)?.map(({ path }) => path)).toEqual(['mnt/a', 'mnt/b']);
  });

  test.each([
    [{ cpu: '0' }, '--cpu'],
    [{ cpu: 'Infinity' }, '--cpu'],
    [{ memory: '1.5' }, '--memory needs a whole number'],
    [{ memory: '-1' }, '--memory'],
  ])('refuses %j', (values, words) => {
    expect(() => app(values as never)).toThrow(words);
  });
});
