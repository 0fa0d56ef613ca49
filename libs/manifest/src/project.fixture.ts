import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { BuildError, type Manifest } from '@gantry/protocol';

import { buildApp, type BuildResult } from './index.ts';

const WORKSPACE_MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url));
const ALWAYS_INSTALLED = ['gantry', 'class-validator', 'class-transformer', 'reflect-metadata'];

/** A project in a temporary folder, removed at the end of the test. */
export interface FixtureProject extends AsyncDisposable {
  root: string;
  outDir: string;
  write(files: Record<string, string>): Promise<void>;
  build(entry?: string): Promise<BuildResult>;
  /** The error that building the project ends with. */
  mistake(entry?: string): Promise<BuildError>;
}

/** Writes source texts into a new project that can import the SDK and the given packages of the workspace. */
export async function aProject(
  files: Record<string, string>,
  packages: string[] = [],
): Promise<FixtureProject> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'gantry-manifest-')));
  for (const name of [...ALWAYS_INSTALLED, ...packages]) await install(root, name);
  const outDir = join(root, 'dist');
  const project: FixtureProject = {
    root,
    outDir,
    async write(more) {
      for (const [path, text] of Object.entries(more)) {
        await mkdir(dirname(join(root, path)), { recursive: true });
        await writeFile(join(root, path), text);
      }
    },
    build: (entry = 'src/app.ts') => buildApp({ entry, outDir, projectRoot: root }),
    async mistake(entry = 'src/app.ts') {
      const error: unknown = await this.build(entry).catch((thrown: unknown) => thrown);
      if (error instanceof BuildError) return error;
      throw error instanceof Error ? error : new Error('the build found no mistake');
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
  await project.write({ 'package.json': '{ "name": "fixture", "type": "module" }', ...files });
  return project;
}

async function install(root: string, name: string): Promise<void> {
  const link = join(root, 'node_modules', name);
  await mkdir(dirname(link), { recursive: true });
  await symlink(join(WORKSPACE_MODULES, name), link);
}

/** The first two lines of the sources of {@link manifestOf}. */
export const HEAD =
  "import { App, concurrent, enter, exit, fastapiEndpoint, method, parameter } from 'gantry';\nexport const app = new App('shop');\n";

/** Builds an app called `shop`, whose source follows {@link HEAD}. */
export async function manifestOf(source: string, more: Record<string, string> = {}): Promise<Manifest> {
  await using project = await aProject({ 'src/app.ts': HEAD + source, ...more });
  return (await project.build()).manifest;
}
