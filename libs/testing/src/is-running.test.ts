import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { expect, test } from 'vitest';

import { isRunning } from './is-running.ts';
import { waitUntil } from './wait-until.ts';

test('a process runs until it has ended', async () => {
  const child = spawn('sleep', ['600']);
  expect(isRunning(child.pid)).toBe(true);

  child.kill('SIGKILL');
  await once(child, 'exit');

  expect(isRunning(child.pid)).toBe(false);
  expect(isRunning(undefined)).toBe(false);
});

test('a process that ended does not run, also while nobody has waited for it', async () => {
  // `exec` leaves the first sleep with a parent that waits for nothing.
  const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());

  await waitUntil(() => !isRunning(pid));

  expect(() => process.kill(pid, 0)).not.toThrow();
  parent.kill('SIGKILL');
});
