import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { GantryError, InvalidError } from '@gantry/protocol';
import {
  formatFiles,
  type GeneratorCallback,
  installPackagesTask,
  joinPathFragments,
  type Tree,
  writeJson,
} from '@nx/devkit';

import { compilerSettings } from './compiler-settings.ts';

/** What `nx g @gantry/nx:client` was asked for. */
export interface ClientGeneratorOptions {
  /** Name of a deployed app. */
  app: string;
  /** Folder in which the library's folder is made. @defaultValue 'libs' */
  directory?: string;
  /** Environment of the app, which the handles then name. @defaultValue that of whoever uses them */
  environment?: string;
  /** Leave the lock file as it is. @defaultValue false */
  skipInstall?: boolean;
}

/** Asks the platform for the client of an app, as `gantry app client` prints it. */
export type ClientSource = (options: ClientGeneratorOptions, root: string) => Promise<string>;

/**
 * Writes a library with typed handles for a deployed app, or renews the one that is there.
 *
 * @throws InvalidError for a name that cannot be a folder's; GantryError with what the command printed when it failed.
 */
export async function clientGenerator(
  tree: Tree,
  options: ClientGeneratorOptions,
  source: ClientSource = fromPlatform,
): Promise<GeneratorCallback> {
  const { app, directory = 'libs' } = options;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(app)) {
    throw new InvalidError(`"${app}" cannot be the name of an app`, { hint: 'Look at "gantry app list".' });
  }
  const text = await source(options, tree.root);
  const root = joinPathFragments(directory, `${app}-client`);
  const isNew = !tree.exists(`${root}/package.json`);
  tree.write(`${root}/src/index.ts`, text);
  if (isNew) {
    writeJson(tree, `${root}/package.json`, packageOf(app));
    writeJson(tree, `${root}/tsconfig.json`, compilerSettings(tree, root));
  }
  await formatFiles(tree);
  return () => {
    if (isNew && options.skipInstall !== true) installPackagesTask(tree, true);
  };
}

function packageOf(app: string): object {
  return {
    name: `${app.toLowerCase()}-client`,
    version: '0.1.0',
    private: true,
    type: 'module',
    exports: './src/index.ts',
    dependencies: { gantry: '*' },
  };
}

async function fromPlatform({ app, environment }: ClientGeneratorOptions, root: string): Promise<string> {
  const program = join(root, 'node_modules', '.bin', 'gantry');
  const more = environment === undefined ? [] : ['--env', environment];
  try {
    return (await promisify(execFile)(program, ['app', 'client', app, ...more], { cwd: root })).stdout;
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string };
    throw new GantryError('UNAVAILABLE', `gantry app client ${app} failed: ${stderr?.trim() || message}`, {
      cause,
    });
  }
}
