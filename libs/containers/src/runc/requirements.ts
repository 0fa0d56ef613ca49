import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { basename, delimiter, isAbsolute, join } from 'node:path';

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
  nsenter: 'util-linux',
  ip: 'iproute2',
  nft: 'nftables',
  'mkfs.ext4': 'e2fsprogs',
  tar: 'tar',
  mkfifo: 'coreutils',
  [INIT_PROGRAM]: 'tini',
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
  if (process.getuid?.() !== 0) {
    return { message: 'runc needs root', hint: 'Start the worker as root, or use "--driver process".' };
  }
  const missing = Object.entries({ ...PACKAGES, [ociRuntime]: ociRuntime }).filter(
    ([name]) => !hasProgram(name),
  );
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
    return {
      message: `there is no ${missing.map(([name]) => `"${name}"`).join(', ')}`,
      hint: `Run "apt-get install ${packages}", or use "--driver process".`,
    };
  }
  return findRuntimeProblem(ociRuntime) ?? findKernelProblem();
}

const GVISOR = 'runsc';

/** The runner speaks over a file that the runtime must leave open, and the group must outlast the container a moment. */
function findRuntimeProblem(ociRuntime: string): RuncProblem | undefined {
  if (basename(ociRuntime) === GVISOR) {
    return {
      message: `gVisor ("${ociRuntime}") is not supported yet: it hands no open file to containers, and has their network made first`,
      hint: 'Use runc or crun, which share the kernel of the machine with containers, or "--driver process".',
    };
  }
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
  if (!cgroupLayout(readText('/proc/self/mountinfo'))) {
    return {
      message: 'no cgroups for memory are mounted',
      hint: 'Mount /sys/fs/cgroup, or use "--driver process".',
    };
  }
  return undefined;
}

function hasProgram(name: string): boolean {
  if (isAbsolute(name)) return isExecutable(name);
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => isExecutable(join(folder, name)));
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
