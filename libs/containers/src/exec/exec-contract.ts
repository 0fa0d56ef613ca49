import { readdirSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

import { waitUntil } from '@gantry/testing';
import { describe, expect, it } from 'vitest';

import type { Container, ExecOptions, ExecProcess } from '../container-driver.ts';

const PID = /pid:(\d+)\./;
const SIZE = { columns: 101, rows: 33 };

/** What {@link Container.exec} does, as tests. `startOne` starts a container of the driver under test. */
export function describeExec(startOne: () => Promise<Container>): void {
  const run = async (command: string[], options: Omit<ExecOptions, 'command'> = {}): Promise<ExecProcess> =>
    (await startOne()).exec({ command, ...options });

  describe('a program beside the runner', () => {
    it('has the words of its command as they are, its own streams and its exit code', async () => {
      const program = await run([
        'sh',
        '-c',
        'echo "$1|$2"; echo woe >&2; exit 7',
        'sh',
        'a  b',
        "it's $HOME",
      ]);
      const [out, err, end] = await Promise.all([text(program.stdout), text(program.stderr), program.exited]);
      expect([out, err, end]).toEqual(["a  b|it's $HOME\n", 'woe\n', { code: 7, signal: null }]);
    });

    it('reads its input to the end', async () => {
      const program = await run(['cat']);
      program.stdin.end('first\nlast');
      expect(await text(program.stdout)).toBe('first\nlast');
      expect(await program.exited).toEqual({ code: 0, signal: null });
    });

    it('runs in the working directory of the container, or another one', async () => {
      const container = await startOne();
      const own = await container.exec({ command: ['pwd'] });
      expect(await text(own.stdout)).toBe(`${container.pathInside(container.directory)}\n`);
      const other = await container.exec({ command: ['pwd'], workdir: '/tmp' });
      expect(await text(other.stdout)).toBe('/tmp\n');
    });

    it('has the environment of the container, and what was given on top', async () => {
      const program = await run(['sh', '-c', 'echo "$EXTRA ${PATH:+path}"'], { env: { EXTRA: 'one two' } });
      expect(await text(program.stdout)).toBe('one two path\n');
    });

    it.runIf(process.platform === 'linux')(
      'has its environment in the words of no command of the machine',
      async () => {
        const env = { HUSH: `secret-${Math.random()}` };
        const program = await run(['sh', '-c', 'echo pid:$$.; exec sleep 600'], { env, terminal: SIZE });
        await pidShownBy(program);
        const commands = readdirSync('/proc')
          .filter((name) => /^\d+$/.test(name))
          .map(commandLineOf);
        expect(commands.filter((words) => words.includes(env.HUSH))).toEqual([]);
        program.kill();
        await program.exited;
      },
    );

    it('ends with 127 if there is none of that name, and with 126 in a folder that is not there', async () => {
      const missing = await run(['no-such-program']);
      expect([await text(missing.stderr), await missing.exited]).toEqual([
        expect.stringContaining('no-such-program'),
        { code: 127, signal: null },
      ]);
      const lost = await run(['true'], { workdir: '/no/such/folder' });
      expect([await text(lost.stderr), await lost.exited]).toEqual([
        expect.stringContaining('/no/such/folder'),
        { code: 126, signal: null },
      ]);
    });

    it('gets signals, and others run beside it', async () => {
      const container = await startOne();
      const [one, other] = await Promise.all([
        container.exec({
          command: ['sh', '-c', 'trap "echo got; exit 3" TERM; echo up; while :; do sleep 0.05; done'],
        }),
        container.exec({ command: ['cat'] }),
      ]);
      await shows(one.stdout, 'up');
      one.signal('SIGTERM');
      expect(await one.exited).toEqual({ code: 3, signal: null });
      other.stdin.end('still here');
      expect(await text(other.stdout)).toBe('still here');
    });

    it('is killed with what it started', async () => {
      const container = await startOne();
      const program = await container.exec({ command: ['sh', '-c', 'sleep 600 & echo pid:$!.; wait'] });
      const child = await pidShownBy(program);
      program.kill();
      program.kill();
      expect(await program.exited).toEqual({ code: null, signal: 'SIGKILL' });
      const probe = ['sh', '-c', `while kill -0 ${child}; do sleep 0.05; done`];
      expect((await (await container.exec({ command: probe })).exited).code).toBe(0);
    });

    it('ends with its container, in which no other can be run then', async () => {
      const container = await startOne();
      const program = await container.exec({ command: ['sh', '-c', 'echo pid:$$.; exec sleep 600'] });
      await pidShownBy(program);
      container.kill();
      await program.exited;
      await expect(container.exec({ command: ['true'] })).rejects.toThrow('has ended');
    });

    it('waits while nobody reads what it writes', async () => {
      const program = await run(['sh', '-c', 'head -c 20000000 /dev/zero; echo done >&2']);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(program.stdout.readableLength).toBeLessThan(1_000_000);
      expect((await text(program.stdout)).length).toBe(20_000_000);
      expect(await text(program.stderr)).toBe('done\n');
    });
  });

  describe.runIf(process.platform === 'linux')('a program in a terminal', () => {
    it('has one of the size and kind asked for, and of later sizes', async () => {
      const shell = await run(['sh'], { terminal: { ...SIZE, term: 'vt100' } });
      shell.stdin.write('tty -s && echo "$TERM" $(stty size)\n');
      await shows(shell.stdout, 'vt100 33 101');
      shell.resize({ columns: 90, rows: 30 });
      shell.resize({ columns: 80, rows: 24 });
      await waitUntil(async () => {
        shell.stdin.write('stty size\n');
        return (await shows(shell.stdout, /\d+ \d+\r\n/)).includes('24 80');
      });
      shell.stdin.write('exit 9\n');
      expect(await shell.exited).toEqual({ code: 9, signal: null });
    });

    it('is interrupted by Ctrl-C, and ends at Ctrl-D', async () => {
      const shell = await run(['sh'], { terminal: SIZE });
      shell.stdin.write("sh -c 'echo pid:$$.; exec sleep 600'; echo after:$?\n");
      await pidShownBy(shell);
      shell.stdin.write('\u0003');
      shell.stdin.write('echo code:$?\n');
      await shows(shell.stdout, 'code:130');
      shell.stdin.write('\u0004');
      await shell.exited;
    });

    it('has one whatever its environment says of where programs are', async () => {
      const program = await run(['/bin/echo', 'here'], {
        terminal: SIZE,
        env: { PATH: '/nowhere', SHELL: 'none' },
      });
      expect(await text(program.stdout)).toBe('here\r\n');
    });

    it('tells of its exit code and of a missing program as one with pipes does', async () => {
      const missing = await run(['no-such-program'], { terminal: SIZE });
      expect(await text(missing.stdout)).toContain('no-such-program');
      expect(await missing.exited).toEqual({ code: 127, signal: null });
    });

    it('ends with its container', async () => {
      const container = await startOne();
      const shell = await container.exec({ command: ['sh'], terminal: SIZE });
      shell.stdin.write('trap "" HUP TERM; echo pid:$$.\n');
      await pidShownBy(shell);
      container.kill();
      await shell.exited;
    });
  });
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

/** The pid that it shows as `pid:1234.` */
async function pidShownBy(program: ExecProcess): Promise<string> {
  const shown = await shows(program.stdout, PID);
  return PID.exec(shown)?.[1] ?? '';
}

/** Reads until the stream has shown `expected`, and resolves to what was read. */
async function shows(stream: Readable, expected: string | RegExp): Promise<string> {
  let shown = '';
  const found = (): boolean =>
    typeof expected === 'string' ? shown.includes(expected) : expected.test(shown);
  while (!found()) {
    const chunk = stream.read() as Buffer | null;
    if (chunk) shown += chunk.toString();
    else
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`shown instead: ${shown}`)), 10_000);
        stream.once('readable', () => {
          clearTimeout(timer);
          resolve();
        });
      });
  }
  return shown;
}
