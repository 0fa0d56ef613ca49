import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { describe, expect, it } from 'vitest';

import { STEP_FILES } from './image-steps.ts';
import { pipCommands } from './package-commands.ts';

const PROJECT = `
[project]
name = "shop"
dependencies = ["numpy>=2 ; python_version > '3.8'", "requests[socks]"]

[project.optional-dependencies]
gpu = ["torch"]
"web pages" = ["jinja2"]
`;

const [install = ''] = pipCommands({ type: 'pip', packages: [], optionalDependencies: ['web pages', 'gpu'] });
const hasToml = spawnSync('python3', ['-c', 'import tomllib']).status === 0;

describe.skipIf(!hasToml)('a step that installs what a project depends on', () => {
  /** What it would give to pip. */
  async function requirements(project: string) {
    await using folder = await temporaryDirectory();
    writeFileSync(join(folder.path, 'pyproject.toml'), project);
    const [print = ''] = install.replace(STEP_FILES, folder.path).split(' > /');
    const { stdout, stderr, status } = spawnSync('/bin/sh', ['-c', print], { encoding: 'utf8' });
    return { lines: stdout.split('\n').filter(Boolean), stderr, status };
  }

  it('has the dependencies of the project, and those that were asked for by name', async () => {
    expect((await requirements(PROJECT)).lines).toEqual([
      ...["numpy>=2 ; python_version > '3.8'", 'requests[socks]', 'jinja2', 'torch'],
    ]);
    expect(install).toContain('python3 -m pip install --root-user-action=ignore --requirement /tmp/');
  });

  it('says which names the project does not have, and which it has', async () => {
    const { status, stderr } = await requirements(PROJECT.replace('gpu =', 'cuda ='));
    expect(status).toBe(1);
    expect(stderr).toContain("has no optional dependencies gpu; it has: ['cuda', 'web pages']");
  });
});
