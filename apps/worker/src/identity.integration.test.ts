import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { findRuncProblem } from '@gantry/containers';
import { IdentityKeys, KeyRing, SealingKeys } from '@gantry/secrets';
import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bundleRunner, WorkerUnderTest } from './worker-under-test.ts';

const KEY = KeyRing.newKey();
const TOKEN_MS = 4_000;
const NAMES = `async () => {
  const { readFileSync, statSync } = await import('node:fs');
  const { GANTRY_IDENTITY_TOKEN: token, GANTRY_IDENTITY_TOKEN_FILE: path } = process.env;
  return { token, path, inFile: readFileSync(path, 'utf8'), mode: statSync(path).mode & 0o777 };
}`;

interface Names {
  token: string;
  path: string;
  inFile: string;
  mode: number;
}

const problem = findRuncProblem();
const drivers = [
  { driver: 'process' as const, reason: undefined },
  { driver: 'runc' as const, reason: problem?.message },
];

for (const { driver, reason } of drivers) {
  describe.skipIf(reason)(`the identity of ${driver} containers${reason ? ` (${reason})` : ''}`, () => {
    let folder: TemporaryDirectory;
    let platform: WorkerUnderTest;

    beforeAll(async () => {
      folder = await temporaryDirectory('gantry-runner-');
      const runner = await bundleRunner(join(folder.path, 'runner'));
      platform = await WorkerUnderTest.start(runner, { driver, identityTokenMs: TOKEN_MS });
      const { blobConfig, messaging } = platform;
      const dataDir = dirname(blobConfig.type === 'disk' ? blobConfig.path : '');
      await writeFile(join(dataDir, 'secrets.key'), KEY);
      const sealing = new SealingKeys({ dataDir: folder.path, key: KEY });
      await new IdentityKeys(messaging.registry, sealing).prepare('https://gantry.test');
    }, 60_000);
    afterAll(async () => {
      await platform?.[Symbol.asyncDispose]();
      await folder?.remove();
    });

    it('is in a file that only they read, and comes anew to the same place', async () => {
      const record = await platform.deploy(`{ kind: 'function', name: 'names', fn: ${NAMES} }`);
      const containerId = await platform.startContainer(record);
      const names = async () => (await (await platform.submit(record, '', [[]])).value()) as Names;

      const first = await names();
      expect(first).toMatchObject({ inFile: first.token, mode: 0o400 });
      await expect.poll(names, { timeout: 60_000 }).not.toMatchObject({ token: first.token });
      const later = await names();
      expect(later).toMatchObject({ path: first.path, inFile: later.token, mode: 0o400 });
      expect(signedAt(later.token)).toBeGreaterThan(signedAt(first.token));

      await platform.command({ type: 'stop', fence: 1, containerId, reason: 'the test is over' });
      await expect.poll(() => platform.container(containerId)?.state, { timeout: 60_000 }).toBe('stopped');
      // Inside of a container of its own file system nothing of it is here anyway.
      await expect.poll(() => existsSync(first.path), { timeout: 60_000 }).toBe(false);
    });
  });
}

function signedAt(token: string): number {
  const [, body = ''] = token.split('.');
  return (JSON.parse(Buffer.from(body, 'base64url').toString()) as { iat: number }).iat;
}
