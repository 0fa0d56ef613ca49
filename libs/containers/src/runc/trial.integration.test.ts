import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { isRootless } from '../rootless/user-namespace.ts';
import { findRuncProblem, OCI_RUNTIMES } from './requirements.ts';
import { tryRunc } from './trial.ts';

const problem = findRuncProblem();
const runtimes = [...OCI_RUNTIMES, 'runsc'].filter((name) => !findRuncProblem(name));
const DISK = { diskMiB: 64 };

describe.skipIf(problem)(`the trial of runc containers${problem ? ` (${problem.message})` : ''}`, () => {
  let work: TemporaryDirectory;
  let runnerPath: string;
  let dataDir: string;

  beforeEach(async () => {
    work = await temporaryDirectory();
    runnerPath = join(work.path, 'runner', 'runner.mjs');
    dataDir = join(work.path, 'data');
    mkdirSync(join(work.path, 'runner'));
    writeFileSync(runnerPath, 'throw new Error("the runner has no part in it");');
  });
  afterEach(() => work.remove());

  it.each(runtimes)('finds nothing wrong where they run, and leaves none behind (%s)', async (ociRuntime) => {
    expect(await tryRunc({ dataDir, runnerPath, ociRuntime, ...DISK })).toBeUndefined();
    const folders = readdirSync(dataDir).filter((name) => /^(runc|gvisor|.*containers)$/.test(name));
    expect(folders).toHaveLength(3);
    for (const folder of folders) expect(readdirSync(join(dataDir, folder))).toEqual([]);
  });

  // As an ordinary user there are none of gVisor.
  it.each(['runtime', ...(isRootless() ? [] : ['runsc'])])(
    'says what a %s says that starts none',
    async (name) => {
      const ociRuntime = join(work.path, name);
      writeFileSync(ociRuntime, '#!/bin/sh\necho "no room for containers" >&2\nexit 1\n');
      chmodSync(ociRuntime, 0o755);
      const found = await tryRunc({ dataDir, runnerPath, ociRuntime, ...DISK });
      expect(found?.message).toContain('no room for containers');
      expect(found?.hint).toContain('--driver process');
    },
  );

  it('says what Node says where it does not run in a container', async () => {
    const nodePath = join(work.path, 'node');
    writeFileSync(nodePath, '#!/bin/sh\necho "no room for Node" >&2\nexit 9\n');
    chmodSync(nodePath, 0o755);
    const found = await tryRunc({ dataDir, runnerPath, nodePath, ...DISK });
    expect(found?.message).toContain('no room for Node');
  });
});
