import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { noOrdinaryUserReason, ordinaryUser, type OrdinaryUser } from '@gantry/testing';
import { describe, expect, it } from 'vitest';

import { Beyond, BEYOND_VARIABLE } from '../runc/beyond.fixture.ts';
import { findRuncProblem } from '../runc/requirements.ts';
import { mostIds } from './rootless-problem.ts';
import { rootlessCommand, rootlessEnvironment } from './user-namespace.ts';

const TESTS = [
  ...['runc/runc-driver', 'runc/started-ahead', 'runc/isolation', 'runc/streams'],
  // Where the user may open /dev/net/tun.
  'private/private-network',
].map((name) => `libs/containers/src/${name}.integration.test.ts`);
const MINUTES = 60_000;

const reason = noOrdinaryUserReason() ?? findRuncProblem('crun')?.message;

describe.skipIf(reason)(`containers of an ordinary user${reason ? ` (${reason})` : ''}`, () => {
  /** Runs a program as that user; what it prints, with its exit code. */
  async function run(words: readonly string[], env: NodeJS.ProcessEnv) {
    const [program = '', ...rest] = words;
    const child = spawn(program, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    return { code, output: stdout + stderr };
  }

  it(
    'keep what all drivers promise, and what code in containers cannot do',
    async () => {
      using user = ordinaryUser();
      await using beyond = await Beyond.open(101);
      const vitest = user.inRepository('node_modules/vitest/vitest.mjs');
      // Nothing of the repository is the user's to write.
      const caches = ['--cache=false', `--fsModuleCachePath=${user.home}/modules`];
      const flags = ['--configLoader', 'native', ...caches, '--project', 'integration'];
      const inner = rootlessCommand([
        user.node,
        vitest,
        'run',
        '--root',
        user.inRepository(''),
        ...flags,
        ...TESTS,
      ]);
      const env = { ...rootlessEnvironment(user.env), [BEYOND_VARIABLE]: beyond.address };

      const { code, output } = await run(user.command(inner), env);

      expect(code, output).toBe(0);
      expect(output).toContain('with an OCI runtime');
    },
    5 * MINUTES,
  );

  it('are possible where nothing is missing, and else it is said what to do', async () => {
    const problemOf = async (user: OrdinaryUser): Promise<unknown> => {
      const module = user.inRepository('libs/containers/src/index.ts');
      const ask = `console.log(JSON.stringify((await import('${module}')).findUserProblem('crun') ?? null))`;
      const words = user.command([user.node, '--no-warnings', '--input-type=module', '--eval', ask]);
      return JSON.parse((await run(words, user.env)).output) as unknown;
    };
    using user = ordinaryUser();
    using without = ordinaryUser({ hasSubIds: false });
    expect(await problemOf(user)).toBeNull();
    expect(await problemOf(without)).toEqual({
      message: expect.stringContaining('has no 65535 ids in /etc/subuid and /etc/subgid') as string,
      hint: expect.stringContaining('usermod --add-subuids 100000-165535') as string,
    });
  });

  it('need as many ids as a container has', () => {
    const file = 'ann:100000:65536\nbob:165536:1000\n1003:300000:70000\n';
    expect([
      mostIds(file, ['ann', '1001']),
      mostIds(file, ['bob', '1002']),
      mostIds(file, ['cy', '1003']),
    ]).toEqual([65_536, 1_000, 70_000]);
    expect(mostIds('', ['ann'])).toBe(0);
  });
});
