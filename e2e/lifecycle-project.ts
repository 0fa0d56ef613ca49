import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';

import { REPOSITORY } from './platform.ts';

/** A user's project in a folder of its own. */
export interface Project extends AsyncDisposable {
  readonly folder: string;
  /** Writes a source file, and returns its path. */
  write(file: string, text: string): Promise<string>;
}

/** Makes a project that has the SDK installed and nothing else. */
export async function createProject(name: string): Promise<Project> {
  const directory = await temporaryDirectory('gantry-project-');
  const project: Project = {
    folder: directory.path,
    async write(file, text) {
      const path = join(directory.path, file);
      await writeFile(path, text);
      return path;
    },
    [Symbol.asyncDispose]: () => directory.remove(),
  };
  await mkdir(join(directory.path, 'node_modules'));
  await symlink(join(REPOSITORY, 'node_modules/gantry'), join(directory.path, 'node_modules/gantry'));
  await project.write('package.json', JSON.stringify({ name, type: 'module' }));
  return project;
}
