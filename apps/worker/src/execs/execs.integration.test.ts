import { join } from 'node:path';

import { findRuncProblem } from '@gantry/containers';
import { EXEC_WINDOW_BYTES, newId } from '@gantry/protocol';
import { temporaryDirectory, waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bundleRunner, WorkerUnderTest } from '../worker-under-test.ts';
import { ExecClientUnderTest } from './exec-client-under-test.ts';

const CODE = `{ kind: 'function', name: 'nap', fn: () => new Promise(() => undefined) }`;
const SIZE = { columns: 100, rows: 30 };

const runcProblem = findRuncProblem();
const DRIVERS = [
  { driver: 'process', problem: undefined },
  { driver: 'runc', problem: runcProblem },
] as const;

for (const { driver, problem } of DRIVERS) {
  const reason = problem ? ` (${problem.message})` : '';
  describe.skipIf(problem)(`a worker with ${driver} containers${reason}`, () => describeExecs(driver));
}

function describeExecs(driver: 'process' | 'runc'): void {
  let stack: AsyncDisposableStack;
  let under: WorkerUnderTest;
  let containerId: string;

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const folder = stack.use(await temporaryDirectory('gantry-execs-')).path;
    under = stack.use(await WorkerUnderTest.start(await bundleRunner(join(folder, 'runner')), { driver }));
    const record = await under.deploy(CODE, { env: { FLAVOUR: 'vanilla' } });
    containerId = await under.startContainer(record);
  });
  afterAll(() => stack.disposeAsync());

  const run = (command: string[], more = {}) =>
    ExecClientUnderTest.run(under, containerId, { command, ...more });

  describe('a program run in a container for a client', () => {
    it('has the environment of the code, and what the client adds', async () => {
      const program = await run(
        ['sh', '-c', 'echo $FLAVOUR $GANTRY_CONTAINER_ID $MORE; echo woe >&2; exit 5'],
        {
          env: { MORE: 'cream' },
        },
      );
      expect(await program.ended()).toEqual({ type: 'exited', code: 5, signal: null, containerEnded: false });
      expect(program.shown).toEqual({ stdout: `vanilla ${containerId} cream\n`, stderr: 'woe\n' });
    });

    it('gets its input to the end', async () => {
      const program = await run(['cat']);
      program.type('one ');
      program.type('two');
      program.send({ type: 'stdinEnd' });
      expect(await program.ended()).toMatchObject({ code: 0 });
      expect(program.shown.stdout).toBe('one two');
    });

    it('works in a terminal of any size, with others beside it', async () => {
      const [shell, other] = await Promise.all([
        run(['sh'], { terminal: SIZE }),
        run(['sh'], { terminal: SIZE }),
      ]);
      shell.type('stty size\n');
      await shell.shows('30 100');
      shell.send({ type: 'resize', columns: 90, rows: 20 });
      await waitUntil(
        () => {
          shell.type('stty size\n');
          return shell.shown.stdout.includes('20 90');
        },
        { intervalMs: 200 },
      );
      other.type('stty size; exit 3\n');
      await other.shows('30 100');
      expect(await other.ended()).toMatchObject({ code: 3 });
      shell.type('\u0004');
      await shell.ended();
    });

    it('waits for a client that does not take its output, and sends all of it in the end', async () => {
      const bytes = 20 * 1024 * 1024;
      const program = await run(['head', '-c', `${bytes}`, '/dev/zero']);
      program.takes = false;
      await waitUntil(() => program.received >= EXEC_WINDOW_BYTES);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(program.received).toBeLessThan(2 * EXEC_WINDOW_BYTES);
      program.takes = true;
      program.send({ type: 'taken', bytes: program.received });
      expect(await program.ended()).toMatchObject({ code: 0 });
      expect(program.received).toBe(bytes);
    });

    it('is ended when the client sends more than it takes', async () => {
      const program = await run(['sleep', '600']);
      for (let sent = 0; sent < 3 * EXEC_WINDOW_BYTES; sent += 64 * 1024) program.type('x'.repeat(64 * 1024));
      expect(await program.ended()).toMatchObject({ type: 'failed', error: { code: 'INVALID_ARGUMENT' } });
    });

    it('is ended when its client leaves, or when messages were lost', async () => {
      const [left, gap] = await Promise.all([run(['sleep', '600']), run(['sleep', '600'])]);
      left.hangUp();
      gap.lose({ type: 'alive' });
      gap.send({ type: 'alive' });
      for (const program of [left, gap]) {
        expect(await program.ended()).toMatchObject({ type: 'failed', error: { code: 'CONNECTION_LOST' } });
      }
    });

    it('gets signals', async () => {
      const program = await run(['sleep', '600']);
      program.send({ type: 'signal', name: 'SIGINT' });
      expect(await program.ended()).toMatchObject(
        // A shell or a runtime in between says it in a code.
        driver === 'process' ? { code: null, signal: 'SIGINT' } : { code: 130, signal: null },
      );
    });

    it.runIf(driver === 'process')('does not wait for what it left behind', async () => {
      const program = await run(['sh', '-c', 'sleep 600 & echo done']);
      expect(await program.ended()).toMatchObject({ code: 0 });
      expect(program.shown.stdout).toBe('done\n');
    });

    it('says so when there is none of that name', async () => {
      const program = await run(['no-such-program']);
      expect(await program.ended()).toMatchObject({ code: 127 });
      expect(program.shown.stderr).toContain('no-such-program');
    });

    it('ends with its container, and the client is told', async () => {
      const container = await under.startContainer(await under.deploy(CODE));
      const program = await ExecClientUnderTest.run(under, container, { command: ['sleep', '600'] });
      await under.command({ type: 'kill', containerId: container, reason: 'test' });
      expect(await program.ended()).toMatchObject({ signal: 'SIGKILL', containerEnded: true });
      const late = await ExecClientUnderTest.run(under, container, { command: ['true'] });
      expect(await late.ended()).toMatchObject({ type: 'failed', error: { code: 'CONTAINER_FAILED' } });
      await expect(ExecClientUnderTest.run(under, newId('ta'), { command: ['true'] })).rejects.toThrow(
        'no container',
      );
    });
  });

  describe('a container for a shell', () => {
    it('is made as those of the function, loads none of its code, takes no inputs, and ends with the shell', async () => {
      const record = await under.deploy(`(() => { throw new Error('loaded'); })()`, {
        env: { FLAVOUR: 'mint' },
      });
      const shellId = newId('ta');
      expect(await under.command({ type: 'shell', containerId: shellId, record })).toEqual({ ok: true });
      // Whoever comes early waits.
      const shell = await ExecClientUnderTest.run(under, shellId, { command: ['sh'], terminal: SIZE });
      const call = await under.submit(record, '', [[]]);
      shell.type('echo $FLAVOUR; stty -echo; echo in:$GANTRY_CONTAINER_ID\n');
      await shell.shows(`in:${shellId}`);
      expect(shell.shown.stdout).toContain('mint');
      expect(under.container(shellId)).toMatchObject({ state: 'ready', running: 1 });
      expect(call.published).toEqual([]);
      shell.type('exit\n');
      expect(await shell.ended()).toMatchObject({ code: 0, containerEnded: false });
      await waitUntil(() => under.container(shellId)?.state === 'stopped');
      expect(under.container(shellId)?.exit?.reason).toBe('stopped');
    });
  });
}
