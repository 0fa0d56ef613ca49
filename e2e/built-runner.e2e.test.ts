import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

import { STARTED_AHEAD_FLAG } from '@gantry/protocol';
import { temporaryDirectory } from '@gantry/testing';
import { expect, test } from 'vitest';

const RUNNER = join(import.meta.dirname, '../dist/runner.cjs');

test('a runner that ends before anybody needed it leaves itself compiled for those after it', async () => {
  await using folder = await temporaryDirectory();
  const kept = (): string[] => readdirSync(folder.path).filter((name) => name.startsWith('program-'));
  for (const time of ['first', 'second']) {
    const runner = spawn(process.execPath, [RUNNER, STARTED_AHEAD_FLAG], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
      env: { GANTRY_COMPILE_CACHE: folder.path },
    });
    // It says hello.
    await once(runner.stdio[3] as Readable, 'data');
    expect(kept()).toHaveLength(time === 'first' ? 0 : 1);
    runner.kill('SIGTERM');
    expect(await once(runner, 'exit')).toEqual([0, null]);
    expect(kept()).toHaveLength(1);
  }
});
