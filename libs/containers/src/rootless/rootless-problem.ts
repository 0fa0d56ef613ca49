import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

import type { RuncProblem } from '../runc/requirements.ts';
import { rootlessCommand, rootlessEnvironment } from './user-namespace.ts';

const LEAST_IDS = 65_535;
const TUN = '/dev/net/tun';

/**
 * What is missing for isolated containers of an ordinary user; undefined if a command could be run in namespaces of
 * theirs.
 */
export function findRootlessProblem(): RuncProblem | undefined {
  return findKernelProblem() ?? findIdsProblem() ?? findTunProblem() ?? findEntryProblem();
}

function findKernelProblem(): RuncProblem | undefined {
  const setting = (name: string): string => readText(`/proc/sys/${name.replaceAll('.', '/')}`).trim();
  const refusing = [
    ['user.max_user_namespaces', '0', '10000'],
    ['kernel.unprivileged_userns_clone', '0', '1'],
    ['kernel.apparmor_restrict_unprivileged_userns', '1', '0'],
  ].find(([name = '', value]) => setting(name) === value);
  if (!refusing) return undefined;
  const [name, value, wanted] = refusing;
  return {
    message: `the kernel lets ordinary users make no user namespaces (${name} is ${value})`,
    hint: `As root, run "sysctl -w ${name}=${wanted}".`,
  };
}

function findIdsProblem(): RuncProblem | undefined {
  const { username, uid } = userInfo();
  const lacking = ['/etc/subuid', '/etc/subgid'].filter(
    (path) => mostIds(readText(path), [username, String(uid)]) < LEAST_IDS,
  );
  if (lacking.length === 0) return undefined;
  return {
    message: `user "${username}" has no ${LEAST_IDS} ids in ${lacking.join(' and ')}`,
    hint: `As root, run "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}", with a range that no other user has.`,
  };
}

/** The largest range that one of these names has, in the text of `/etc/subuid` or `/etc/subgid`. */
export function mostIds(text: string, names: readonly string[]): number {
  const ranges = text.split('\n').map((line) => line.split(':'));
  const own = ranges.filter(([name = '']) => names.includes(name)).map(([, , count]) => Number(count) || 0);
  return Math.max(0, ...own);
}

function findTunProblem(): RuncProblem | undefined {
  try {
    closeSync(openSync(TUN, 'r+'));
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return {
      message: `${TUN} cannot be opened (${code}), so containers would have no network`,
      hint: `As root, run "modprobe tun && chmod 666 ${TUN}".`,
    };
  }
}

function findEntryProblem(): RuncProblem | undefined {
  const [program = '', ...words] = rootlessCommand(['true']);
  const { status, stderr, error } = spawnSync(program, words, {
    encoding: 'utf8',
    env: rootlessEnvironment(process.env),
  });
  if (status === 0) return undefined;
  const reason = (error?.message ?? stderr.trim().split('\n')[0] ?? '') || `it ended with ${status}`;
  return {
    message: `"unshare" cannot make a user namespace with the ids of this user: ${reason}`,
    hint: 'It needs the packages util-linux (2.38 or newer) and uidmap: as root, run "apt-get install util-linux uidmap".',
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
