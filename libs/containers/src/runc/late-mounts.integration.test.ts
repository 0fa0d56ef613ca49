import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { expect, test } from 'vitest';

import { LateMounts, prepareLateMounts, removeStaleLateMounts } from './late-mounts.ts';
import { LATE_FOLDER } from './places.ts';
import { findRuncProblem } from './requirements.ts';

const problem = findRuncProblem();
const MODULE = new URL('./late-mounts.ts', import.meta.url).href;

// Has a container that was started ahead, and has given it something.
const WORKER = (name: string, source: string): string => `
import { LateMounts, prepareLateMounts } from ${JSON.stringify(MODULE)};
prepareLateMounts();
const mounts = new LateMounts(${JSON.stringify(name)});
mounts.prepare();
await mounts.give([{ source: ${JSON.stringify(source)}, target: '/opt/gantry/bundle' }]);
console.log('given');
setInterval(() => undefined, 1000);
`;

test.skipIf(problem)(
  `what a killed worker gave its containers is taken away, though its data is gone, and nothing of others${problem ? ` (${problem.message})` : ''}`,
  async () => {
    await using work = await temporaryDirectory();
    const name = `gantry-test-${process.pid}`;
    const source = join(work.path, 'bundle');
    mkdirSync(source);
    const own = new LateMounts(`${name}-own`);
    prepareLateMounts();
    own.prepare();
    const worker = spawn(process.execPath, ['--input-type=module', '-e', WORKER(name, source)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(worker.stdout, 'data');
      await own.give([{ source, target: '/opt/gantry/bundle' }]);
      await removeStaleLateMounts();
      expect(mountsBelow(name)).toHaveLength(1);

      worker.kill('SIGKILL');
      await once(worker, 'exit');
      await rm(source, { recursive: true });
      await removeStaleLateMounts();
      // Another worker of this machine may be faster, and not quite done.
      await expect.poll(() => mountsBelow(name), { timeout: 30_000 }).toEqual([]);
      await expect.poll(() => existsSync(join(LATE_FOLDER, name)), { timeout: 30_000 }).toBe(false);
      expect(mountsBelow(`${name}-own`)).toHaveLength(1);
    } finally {
      worker.kill('SIGKILL');
      await own.remove();
    }
  },
);

function mountsBelow(name: string): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.filter((line) => line.includes(`${join(LATE_FOLDER, name)}/`));
}
