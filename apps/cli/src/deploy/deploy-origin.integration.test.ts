import { execFileSync, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { findDeployOrigin } from './deploy-origin.ts';

let folder: TemporaryDirectory;
let entry = '';

beforeEach(async () => {
  folder = await temporaryDirectory('gantry-git-');
  entry = path.join(folder.path, 'app.ts');
  await writeFile(entry, 'export {};');
});

afterEach(() => folder.remove());

function git(...args: string[]): string {
  const author = ['-c', 'user.name=a', '-c', 'user.email=a@localhost', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', ['-C', folder.path, ...author, ...args], { encoding: 'utf8' }).trim();
}

const hasGit = spawnSync('git', ['--version']).status === 0;
if (!hasGit) console.warn('git is not installed: what a deployment says of its commit is not tested');

describe('findDeployOrigin', () => {
  test.skipIf(!hasGit)('names the commit of the sources, and says when files differ from it', async () => {
    git('init', '-q');
    expect((await findDeployOrigin(entry)).commit).toBeUndefined();
    git('add', 'app.ts');
    git('commit', '-q', '-m', 'first');
    const hash = git('rev-parse', '--short', 'HEAD');

    expect((await findDeployOrigin(entry)).commit).toEqual({ hash, dirty: false });
    await writeFile(entry, 'export const changed = true;');
    expect((await findDeployOrigin(folder.path)).commit).toEqual({ hash, dirty: true });
  });

  test('names no commit outside of a repository', async () => {
    const { commit, deployedBy } = await findDeployOrigin(entry);
    expect(commit).toBeUndefined();
    expect(deployedBy).not.toBe('');
  });
});
