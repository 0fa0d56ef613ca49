import { join } from 'node:path';

import { findRuncProblem } from '@gantry/containers';
import { noBuildsReason } from '@gantry/containers/testing';
import { RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { look, nodeVersion } from './built-image-app.ts';
import { startPlatformWith } from './deployed-platform.ts';
import { runCli, type Platform } from './platform.ts';

const ENTRY = join(import.meta.dirname, 'built-image-app.ts');
const BUILD_LIMIT_MS = 600_000;
const reason = noBuildsReason ?? findRuncProblem()?.message;

describe.skipIf(reason)(`an image of every kind of local step${reason ? ` (${reason})` : ''}`, () => {
  let platform: Platform;

  beforeAll(async () => {
    platform = await startPlatformWith(ENTRY, ['--driver', 'runc']);
  }, BUILD_LIMIT_MS);

  afterAll(async () => {
    await platform?.[Symbol.asyncDispose]();
  });

  test('gives containers all that its steps did, and the files that are added at their start', async () => {
    expect(await RemoteFunction.fromName<typeof look>('built-image', 'look').remote()).toEqual({
      sum: '42',
      pi: '3.142',
      log: 'ran building',
      count: '3',
      model: 'prepared eng',
      greeting: 'hello',
      folder: '/srv',
      words: 'eins zwei drei',
      next: '2027-01-01T00:00:00.000Z',
    });
  });

  test('runs functions in the Node that it asks for, also those that are steps of it', async () => {
    const version = RemoteFunction.fromName<typeof nodeVersion>('built-image', 'nodeVersion');
    const versions = [expect.stringMatching(/^v22\./), expect.stringMatching(/^v22\./)] as string[];
    expect(await version.remote()).toEqual(versions);
  });

  test('is built once: the next deploy takes each step from the cache', async () => {
    const { code, stderr } = await runCli(['deploy', ENTRY], platform.env);

    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/apt install bc +cached/);
    expect(stderr).toMatch(/npm install croner@10\.0\.1 +cached/);
    expect(stderr).toContain('Nothing to upload');
  });
});
