import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

import { findRuncProblem } from '@gantry/containers';
import { noBuildsReason } from '@gantry/containers/testing';
import { isRunning, noOrdinaryUserReason, ordinaryUser, type OrdinaryUser } from '@gantry/testing';
import { expect, test } from 'vitest';

import { end, type ReadyLine, REPOSITORY } from './platform.ts';

/** The first image of a machine needs a Debian. */
const LIMIT_MS = 600_000;
const reason = noOrdinaryUserReason() ?? noBuildsReason ?? findRuncProblem('crun')?.message;
if (reason) console.warn(`SKIPPED: isolated containers of an ordinary user, ${reason}`);

/** Puts the app where the user may write, with the packages of the repository. */
function placeApp(user: OrdinaryUser): void {
  const packages = join(user.home, 'node_modules');
  mkdirSync(packages);
  const names = readdirSync(join(REPOSITORY, 'node_modules')).filter((name) => !name.startsWith('.'));
  for (const name of names) {
    symlinkSync(user.inRepository(`node_modules/${name}`), join(packages, name));
  }
  cpSync(join(REPOSITORY, 'e2e/rootless-app.ts'), join(user.home, 'app.ts'));
  // What images begin with, if earlier tests have made it.
  for (const name of ['images', 'machine']) {
    const bases = join(REPOSITORY, '.tools/cache', name, 'bases');
    if (existsSync(bases)) cpSync(bases, join(user.home, '.cache/gantry/bases'), { recursive: true });
  }
  user.give(user.home);
}

function gantry(user: OrdinaryUser, words: readonly string[]): ChildProcess {
  const [program = '', ...rest] = user.command([user.node, user.inRepository('dist/cli.mjs'), ...words]);
  const env = { ...user.env, NO_COLOR: '1', GANTRY_BASES_AHEAD: 'no' };
  return spawn(program, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function run(user: OrdinaryUser, words: readonly string[]) {
  const child = gantry(user, words);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

test.skipIf(reason)(
  'an ordinary user has isolated containers, with images and volumes, and no rights for that',
  async () => {
    using user = ordinaryUser();
    placeApp(user);
    const up = gantry(user, ['up', '--json', '--port', '0', '--https-port', '0']);
    try {
      up.stderr?.pipe(process.stderr);
      const ended = once(up, 'exit').then(([code]) =>
        Promise.reject(new Error(`it ended with ${String(code)}`)),
      );
      const lines = createInterface({ input: up.stdout as NodeJS.ReadableStream });
      const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string];
      ended.catch(() => undefined);
      const ready = JSON.parse(line) as ReadyLine & { driver: string };
      // The command has become the one in the namespaces.
      expect([ready.driver, ready.pid]).toEqual(['runc', up.pid]);

      const { code, stdout, stderr } = await run(user, ['run', 'app.ts::main']);

      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toEqual({
        seen: { root: 0, ids: ['0', '1', '65535'], seesShadow: false, processes: false },
        made: 'by root, of 12',
        kept: { text: 'tea', type: 'overlay' },
      });
      const doctor = await run(user, ['doctor']);
      expect(doctor.stdout + doctor.stderr).toContain('as an ordinary user: memory is limited by looking');

      expect(await end(up, 'SIGTERM')).toBe(0);
      expect(isRunning(ready.nats.pid)).toBe(false);
    } finally {
      // Not at once: what it has started ends with it.
      await end(up, 'SIGTERM');
    }
  },
  LIMIT_MS,
);
