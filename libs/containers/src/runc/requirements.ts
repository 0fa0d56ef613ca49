import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { basename, delimiter, isAbsolute, join } from 'node:path';

import { findGvisorProblem } from '../gvisor/gvisor-requirements.ts';
import { isGvisor } from '../gvisor/gvisor-runtime.ts';
import { findRootlessProblem } from '../rootless/rootless-problem.ts';
import { isRootless, withAdminFolders } from '../rootless/user-namespace.ts';
import { cgroupLayout } from './cgroups.ts';
import { INIT_PROGRAM } from './places.ts';
import { systemCalls } from './start-script.ts';

/** Why containers of an OCI runtime cannot run here, and what to do about it. */
export interface RuncProblem {
  message: string;
  hint: string;
}

/** Debian packages of the programs in use. */
const PACKAGES = {
  perl: 'perl-base',
  unshare: 'util-linux',
  mount: 'mount',
  nft: 'nftables',
  'mkfs.ext4': 'e2fsprogs',
  tar: 'tar',
  mkfifo: 'coreutils',
  [INIT_PROGRAM]: 'tini',
};

/** And where an ordinary user runs them. */
const ROOTLESS_PACKAGES = {
  newuidmap: 'uidmap',
  newgidmap: 'uidmap',
  nsenter: 'util-linux',
  slirp4netns: 'slirp4netns',
};

/** OCI runtimes that are known to work, the lighter one first. */
export const OCI_RUNTIMES = ['crun', 'runc'] as const;

/** The OCI runtime to use where none is named. */
export function defaultRuntime(): string {
  return OCI_RUNTIMES.find((name) => hasProgram(name)) ?? 'runc';
}

/** What this machine lacks for the runc driver; undefined if nothing is known to be missing. */
export function findRuncProblem(ociRuntime = defaultRuntime()): RuncProblem | undefined {
  if (process.platform !== 'linux') {
    return { message: 'runc needs Linux', hint: 'Use "--driver process".' };
  }
  if (systemCalls === undefined) {
    return {
      message: `containers are not isolated on machines of the kind "${process.arch}"`,
      hint: 'Use x64 or arm64, or "--driver process".',
    };
  }
  if (process.getuid?.() !== 0) return findUserProblem(ociRuntime) ?? NOT_ENTERED;
  return (
    findMissingPrograms({ ...PACKAGES, ...(isGvisor(ociRuntime) ? {} : { [ociRuntime]: ociRuntime }) }) ??
    findRuntimeProblem(ociRuntime) ??
    findKernelProblem()
  );
}

const NOT_ENTERED: RuncProblem = {
  message: 'an ordinary user needs namespaces, which this process has not',
  hint: 'Start it with "gantry up" or "gantry worker" on Node 22.15 or newer, or as root.',
};

/**
 * What an ordinary user lacks for isolated containers on this machine; undefined if a worker could have them in
 * namespaces of its own, see {@link rootlessCommand}.
 */
export function findUserProblem(ociRuntime = defaultRuntime()): RuncProblem | undefined {
  const programs = { ...PACKAGES, ...ROOTLESS_PACKAGES, [ociRuntime]: ociRuntime };
  const problem =
    findMissingPrograms(programs) ?? findRootlessRuntimeProblem(ociRuntime) ?? findRootlessProblem();
  if (!problem) return undefined;
  const hint = `${problem.hint} Or start it as root, or use "--driver process".`;
  return { message: `an ordinary user cannot have isolated containers: ${problem.message}`, hint };
}

function findMissingPrograms(programs: Record<string, string>): RuncProblem | undefined {
  const missing = Object.entries(programs).filter(([name]) => !hasProgram(name));
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
  return {
    message: `there is no ${missing.map(([name]) => `"${name}"`).join(', ')}`,
    hint: `Run "apt-get install ${packages}", or use "--driver process".`,
  };
}

function findRootlessRuntimeProblem(ociRuntime: string): RuncProblem | undefined {
  if (basename(ociRuntime) === 'crun') return undefined;
  return {
    message: `"${ociRuntime}" starts no containers without groups of processes`,
    hint: 'Use "--oci-runtime crun".',
  };
}

/** The runner speaks over a file that the runtime must leave open, and the group must outlast the container a moment. */
function findRuntimeProblem(ociRuntime: string): RuncProblem | undefined {
  if (isRootless()) return findRootlessRuntimeProblem(ociRuntime);
  if (isGvisor(ociRuntime)) return findGvisorProblem(ociRuntime);
  const { stdout, stderr } = spawnSync(ociRuntime, ['run', '--help'], { encoding: 'utf8' });
  const needed = basename(ociRuntime) === 'crun' ? ['preserve-fds'] : ['preserve-fds', 'keep'];
  const missing = needed.find((flag) => !`${stdout}${stderr}`.includes(`-${flag}`));
  if (missing === undefined) return undefined;
  return {
    message: `"${ociRuntime} run" has no option --${missing}`,
    hint: 'Use runc or crun, or "--driver process".',
  };
}

function findKernelProblem(): RuncProblem | undefined {
  if (!existsSync('/proc/self/ns/user') || readText('/proc/sys/user/max_user_namespaces').trim() === '0') {
    return {
      message: 'the kernel allows no user namespaces',
      hint: 'Set the sysctl user.max_user_namespaces to 10000, or use "--driver process".',
    };
  }
  if (!isRootless() && !cgroupLayout(readText('/proc/self/mountinfo'))) {
    return {
      message: 'no cgroups for memory are mounted',
      hint: 'Mount /sys/fs/cgroup, or use "--driver process".',
    };
  }
  return undefined;
}

function hasProgram(name: string): boolean {
  return findProgram(name) !== undefined;
}

/** Path of a program; undefined if there is none of this name. */
export function findProgram(name: string): string | undefined {
  const folders = isAbsolute(name) ? [''] : withAdminFolders(process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
