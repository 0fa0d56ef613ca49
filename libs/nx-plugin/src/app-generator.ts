import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidError } from '@gantry/protocol';
import {
  addDependenciesToPackageJson,
  formatFiles,
  generateFiles,
  type GeneratorCallback,
  installPackagesTask,
  joinPathFragments,
  type NxJsonConfiguration,
  type Tree,
  updateJson,
  writeJson,
} from '@nx/devkit';

import { compilerSettings } from './compiler-settings.ts';

/** What `nx g @gantry/nx:app` was asked for. */
export interface AppGeneratorOptions {
  /** Name of the app and of its folder. */
  name: string;
  /** Folder in which the app's folder is made. @defaultValue 'apps' */
  directory?: string;
  /** Leave the lock file as it is. @defaultValue false */
  skipInstall?: boolean;
}

const PLUGIN = '@gantry/nx';

/** What a new app's test and compiler need, unless the workspace has them. */
const PACKAGES = { vitest: '^5.1.1', '@types/node': '^24.0.0' };

// Beside both `src/` and `dist/`, so that sources and build find it by the same path.
const TEMPLATES = fileURLToPath(new URL('../files/app', import.meta.url));

/**
 * Writes a new app: a class, a function, an endpoint and a local entrypoint, with a test; and has the workspace know the
 * plugin, and have what they need.
 *
 * @throws InvalidError when the name is unfit or its folder is taken.
 */
export async function appGenerator(tree: Tree, options: AppGeneratorOptions): Promise<GeneratorCallback> {
  const { name } = options;
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(name)) {
    throw new InvalidError(`"${name}" cannot be the name of an app`, {
      hint: 'Use up to 40 lower-case letters, digits and dashes, and begin with a letter.',
    });
  }
  const root = projectRoot(options);
  if (tree.exists(joinPathFragments(root, 'package.json'))) {
    throw new InvalidError(`there is a project in "${root}" already`, {
      hint: 'Choose another name, or another folder with --directory.',
    });
  }
  generateFiles(tree, TEMPLATES, root, { name, root, dot: '.' });
  writeJson(tree, `${root}/tsconfig.json`, compilerSettings(tree, root));
  addPlugin(tree);
  addDependenciesToPackageJson(tree, {}, PACKAGES, 'package.json', true);
  await formatFiles(tree);
  return () => {
    if (options.skipInstall !== true) installPackagesTask(tree, true);
  };
}

/** Without it, Nx sees a project without targets. */
function addPlugin(tree: Tree): void {
  updateJson(tree, 'nx.json', (nx: NxJsonConfiguration) => {
    const { plugins = [] } = nx;
    const isThere = plugins.some((entry) => (typeof entry === 'string' ? entry : entry.plugin) === PLUGIN);
    return isThere ? nx : { ...nx, plugins: [...plugins, PLUGIN] };
  });
}

function projectRoot({ name, directory = 'apps' }: AppGeneratorOptions): string {
  // Other generators expect the project's own folder here, so accept that too.
  return basename(directory) === name ? joinPathFragments(directory) : joinPathFragments(directory, name);
}
