import { chmodSync, chownSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { ExecOptions } from '../container-driver.ts';
import { isRootless } from '../rootless/user-namespace.ts';
import { Probe, writeProbe } from './probe.fixture.ts';
import { findRuncProblem, OCI_RUNTIMES } from './requirements.ts';
import { RuncDriver } from './runc-driver.ts';

const problem = findRuncProblem();
const runtimes = OCI_RUNTIMES.filter((name) => !findRuncProblem(name));

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'ptmx'].map((name) => `/dev/${name}`);
const TERMINAL = { columns: 80, rows: 24 };

// What each stream of the program is.
const STREAMS = `for fd in 0 1 2; do stat -L -c '%F' /proc/self/fd/$fd; done`;

/** Whose the devices of this machine are, and what everybody may do with them. */
function rights(): Record<string, string> {
  return Object.fromEntries(
    DEVICES.map((path) => {
      const { uid, gid, mode } = statSync(path);
      return [path, `${uid}:${gid} ${mode.toString(8)}`];
    }),
  );
}

describe.skipIf(problem).each(problem ? [problem.message] : runtimes)(
  'what a container has for streams (%s)',
  (ociRuntime) => {
    const before = rights();
    let work: TemporaryDirectory;
    let driver: RuncDriver;
    let inside: Probe;

    beforeAll(async () => {
      work = await temporaryDirectory();
      const runnerPath = join(work.path, 'runner', 'probe.mjs');
      writeProbe(runnerPath);
      driver = new RuncDriver({ dataDir: join(work.path, 'data'), runnerPath, ociRuntime });
      inside = await Probe.start(driver);
    });
    afterAll(async () => {
      await driver?.close();
      await work?.remove();
      // So that a failure here does no harm to what runs after.
      if (isRootless()) return;
      chownSync('/dev/null', 0, 0);
      chmodSync('/dev/null', 0o666);
    });

    const run = async (script: string, options: Omit<ExecOptions, 'command'> = {}): Promise<string> => {
      const program = await inside.container.exec({ command: ['sh', '-c', script], ...options });
      program.stdin.end();
      return `${await text(program.stdout)}${await text(program.stderr)}`;
    };

    it('is no device of the machine: not for the runner, nor for programs beside it', async () => {
      const ofRunner = `return ['/proc/1/fd/', '/proc/self/fd/'].flatMap((folder) =>
        [0, 1, 2].map((fd) => fs.statSync(folder + fd).isCharacterDevice()))`;
      expect(await inside.run(ofRunner)).toEqual(Array(6).fill(false));
      expect(await run(STREAMS)).not.toContain('character');
    });

    it('ends at once where nobody writes', async () => {
      expect(await inside.run(`return fs.readFileSync('/proc/1/fd/0', 'utf8')`)).toBe('');
    });

    it('can be opened again by their names, as programs do that write their logs there', async () => {
      const log = 'echo out > /dev/stdout; echo woe > /dev/stderr';
      const program = await inside.container.exec({ command: ['sh', '-c', log] });
      expect([await text(program.stdout), await text(program.stderr)]).toEqual(['out\n', 'woe\n']);
      const { stderr } = inside.container;
      const said = new Promise((resolve) =>
        stderr.once('data', (chunk: Buffer) => resolve(chunk.toString())),
      );
      await inside.run(`fs.writeFileSync('/dev/stderr', 'from the runner')`);
      expect(await said).toBe('from the runner');
    });

    it('leaves the devices of the machine as they are, for all that root does to them', async () => {
      await run('true');
      await run('true', { terminal: TERMINAL });
      expect(rights()).toEqual(before);
      const meddle = `for path in ${DEVICES.join(' ')} /dev/stdin /dev/stdout /dev/stderr /proc/1/fd/0; do
        chmod 0600 $path; chown 7:7 $path; done; exit 0`;
      await run(meddle);
      await run(meddle, { terminal: TERMINAL });
      expect(
        (
          await inside.shell(
            `${meddle}; for path in ${DEVICES.join(' ')}; do chmod 0600 $path && echo done; done`,
          )
        ).output,
      ).not.toContain('done');
      expect(rights()).toEqual(before);
    });
  },
);
