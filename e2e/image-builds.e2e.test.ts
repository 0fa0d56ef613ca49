import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

import { findRuncProblem } from '@gantry/containers';
import { noBuildsReason } from '@gantry/containers/testing';
import { Image, NetworkFileSystem, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startPlatformWith } from './deployed-platform.ts';
import type { look as lookAgain } from './image-again-app.ts';
import type { look, plain, weigh } from './image-builds-app.ts';
import type { packages as pythonPackages } from './python-image-app.ts';
import { REPOSITORY, runCli, type Platform } from './platform.ts';

const ENTRY = join(import.meta.dirname, 'image-builds-app.ts');
const PYTHON = join(import.meta.dirname, 'python-image-app.ts');
const AGAIN = join(import.meta.dirname, 'image-again-app.ts');
const reason = noBuildsReason ?? findRuncProblem()?.message;
/** A Debian is made of its packages. */
const BUILD_TIMEOUT_MS = 600_000;

describe.skipIf(reason)(`a platform that builds images${reason ? ` (${reason})` : ''}`, () => {
  let platform: Platform;

  beforeAll(async () => {
    platform = await startPlatformWith(ENTRY, ['--driver', 'runc']);
  }, BUILD_TIMEOUT_MS);

  afterAll(async () => {
    await platform?.[Symbol.asyncDispose]();
  });

  test('runs functions in what their steps, commands and functions, have made', async () => {
    expect(await RemoteFunction.fromName<typeof look>('image-builds', 'look').remote()).toEqual({
      greeting: 'hello',
      made: 'hello from a step',
      prepared: 'MODEL',
      weights: false,
      folder: '/srv',
    });
  });

  test('keeps what a step writes to a volume in there, and none of it in the image', async () => {
    const weighed = RemoteFunction.fromName<typeof weigh>('image-builds', 'weigh');
    expect(await weighed.remote()).toEqual(['model', 'model']);
    const notes = NetworkFileSystem.fromName('image-notes').readFile('/made.txt');
    expect(await text(notes)).toBe('first.bin,second.bin');
  });

  test('runs functions without an image on the programs of the machine', async () => {
    const plainly = RemoteFunction.fromName<typeof plain>('image-builds', 'plain');
    expect(await plainly.remote()).toBe(await readFile('/etc/os-release', 'utf8'));
  });

  test(
    'shows each step of a deploy, as taken from an earlier one where it was',
    async () => {
      const { stderr } = await runCli(['deploy', ENTRY], platform.env);
      expect(stderr).toContain('✓ run prepare() cached');
      expect(stderr).not.toContain('preparing model');
    },
    BUILD_TIMEOUT_MS,
  );

  test(
    'tells a program the id of the image that it deployed, from which another app goes on',
    async () => {
      const program = `import { app, image } from ${JSON.stringify(ENTRY)};
await app.deploy();
console.log((await image.hydrate()).objectId);
process.exit();`;
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
        env: { ...process.env, ...platform.env },
        cwd: REPOSITORY,
      });
      const id = stdout.trim();
      await expect(Image.fromId(id).hydrate()).resolves.toMatchObject({ objectId: id });
      const deployed = await runCli(['deploy', AGAIN], { ...platform.env, EARLIER_IMAGE: id });
      expect(deployed.stderr).toContain('✓ run cp made again');
      expect(await RemoteFunction.fromName<typeof lookAgain>('image-again', 'look').remote()).toEqual({
        folder: '/srv',
        prepared: true,
        again: 'hello from a step',
      });
    },
    BUILD_TIMEOUT_MS,
  );

  test(
    'has what a project of Poetry depends on, and says which token the secret of a private repository lacks',
    async () => {
      const { stderr } = await runCli(['deploy', PYTHON], platform.env);
      expect(stderr).toContain('✓ poetry install');
      const packages = RemoteFunction.fromName<typeof pythonPackages>('python-image', 'packages');
      expect(await packages.remote()).toEqual(['iniconfig==2.0.0']);
      const refused = await runCli(['deploy', PYTHON], { ...platform.env, WITH_PRIVATE: '1' });
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toMatch(
        /pip install github.com\/acme\/tools" \(e2e\/python-image-app.ts:\d+\) failed: no secret of it has GITHUB_TOKEN/,
      );
      expect(refused.stdout + refused.stderr).not.toContain('gl-token-314159');
    },
    BUILD_TIMEOUT_MS,
  );

  test(
    'shows them to a program that deploys its app and enables output, and nothing to one that does not',
    async () => {
      const program = (deploy: string) =>
        `import { enableOutput } from 'gantry'; import { app } from ${JSON.stringify(ENTRY)}; await ${deploy};`;
      const env = { ...process.env, ...platform.env };
      const run = async (deploy: string) =>
        (
          await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program(deploy)], {
            env,
            cwd: REPOSITORY,
          })
        ).stderr;
      expect(await run('enableOutput(() => app.deploy())')).toContain('✓ run prepare() cached');
      expect(await run('app.deploy()')).not.toContain('prepare()');
    },
    BUILD_TIMEOUT_MS,
  );
});
