import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import type { DeployRequest } from '@gantry/protocol';

const GIT_LIMIT_MS = 3_000;

const run = promisify(execFile);

/** Where a deploy comes from, for the history: who, and which commit if `entry` lies in a git repository. */
export async function findDeployOrigin(entry: string): Promise<Pick<DeployRequest, 'commit' | 'deployedBy'>> {
  const folder = statSync(entry, { throwIfNoEntry: false })?.isFile() ? path.dirname(entry) : entry;
  return { commit: await findCommit(folder), deployedBy: findUser() };
}

/** Undefined without git, outside a repository, and before the first commit. */
async function findCommit(folder: string): Promise<DeployRequest['commit']> {
  // Without locks: nobody's commit must fail because of a deploy.
  const git = async (...args: string[]) =>
    (
      await run('git', ['-C', folder, '--no-optional-locks', ...args], { timeout: GIT_LIMIT_MS })
    ).stdout.trim();
  try {
    const hash = await git('rev-parse', '--short', 'HEAD');
    const changes = await git('status', '--porcelain', '--untracked-files=no');
    return { hash, dirty: changes !== '' };
  } catch {
    return undefined;
  }
}

/** The name of the operating system's user; containers may have none. */
export function findUser(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
