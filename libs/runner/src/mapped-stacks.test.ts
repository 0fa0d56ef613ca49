import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInThisContext } from 'node:vm';

import { temporaryDirectory } from '@gantry/testing';
import { afterEach, expect, test } from 'vitest';

import { mapStacks } from './mapped-stacks.ts';

// The second line of the source for the first of the bundle, the third for its second.
const MAP = '{"version":3,"sources":["src/job.ts"],"names":[],"mappings":"AACA;AACA"}';
const BUNDLE = `(() => { const fail = (make) => { throw make(); };
return { fail, Job: class Job { async run(make) { await null; fail(make); } } }; })()`;

interface Bundle {
  fail(make: () => unknown): void;
  Job: new () => { run(make: () => unknown): Promise<void> };
}

const { prepareStackTrace } = Error;

afterEach(() => {
  Error.prepareStackTrace = prepareStackTrace;
});

async function stackOf(act: (bundle: Bundle) => unknown, map = MAP): Promise<string> {
  await using folder = await temporaryDirectory('gantry-stacks-');
  const path = join(folder.path, 'bundle.mjs');
  writeFileSync(`${path}.map`, map);
  const { href } = pathToFileURL(path);
  mapStacks(href);
  try {
    await act(runInThisContext(BUNDLE, { filename: href }) as Bundle);
  } catch (error) {
    return ((error as Error).stack ?? '').replaceAll(folder.path, '');
  }
  throw new Error('nothing was thrown');
}

test('a stack names places in the sources, and the functions there', async () => {
  const stack = await stackOf(({ Job }) => new Job().run(() => new TypeError('bad')));
  expect(stack.split('\n').slice(0, 1)).toEqual(['TypeError: bad']);
  expect(stack).toContain('at fail (/src/job.ts:2:1)');
  expect(stack).toContain('at Job.run (/src/job.ts:3:1)');
});

test('without a map that can be read, a stack names places in the bundle', async () => {
  expect(await stackOf(({ fail }) => fail(() => new Error('bad')), 'no map')).toMatch(/bundle\.mjs:1:\d+/);
});

test('errors of Node keep their code', async () => {
  const make = (): Error => Object.assign(new RangeError('bad'), { code: 'ERR_OUT_OF_RANGE' });
  expect(await stackOf(({ fail }) => fail(make))).toContain('RangeError [ERR_OUT_OF_RANGE]: bad\n');
});

test('an error whose message cannot be read still has its frames', async () => {
  class Odd extends Error {
    override get name(): string {
      throw new Error('not to be read');
    }
  }
  expect(await stackOf(({ fail }) => fail(() => new Odd()))).toMatch(
    /^<error>\n.*\n\s+at fail \(\/src\/job\.ts:2:1\)/,
  );
});
