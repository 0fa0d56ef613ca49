import type { ProjectConfiguration, TargetConfiguration } from '@nx/devkit';

type TargetMetadata = NonNullable<TargetConfiguration['metadata']>;

/** Entry file of an app that does not name one. */
export const USUAL_ENTRY = 'src/app.ts';

/** Where a project's build goes, relative to the project. */
export const BUILD_FOLDER = 'dist/gantry';

const EXECUTOR = '@gantry/nx:gantry';

/** Settings of the plugin in `nx.json`. */
export interface GantryPluginOptions {
  /** Name of the target that builds. @defaultValue 'build' */
  buildTargetName?: string;
  /** Name of the target that deploys. @defaultValue 'deploy' */
  deployTargetName?: string;
  /** Name of the target that serves while you work. @defaultValue 'serve' */
  serveTargetName?: string;
  /** Name of the target that runs a local entrypoint or a function. @defaultValue 'run' */
  runTargetName?: string;
  /** Files outside the app, such as `{workspaceRoot}/schema.json`, that change what a build contains. */
  buildInputs?: string[];
}

/** What the plugin knows about a project before it infers anything. */
export interface GantryProject {
  name: string;
  /** Entry file, relative to the project. */
  entry: string;
}

/** The part of a project's configuration that follows from its being a Gantry app. */
export function inferProject(
  project: GantryProject,
  options: GantryPluginOptions = {},
): Omit<ProjectConfiguration, 'root'> {
  const build = options.buildTargetName ?? 'build';
  return {
    name: project.name,
    projectType: 'application',
    tags: ['gantry:app'],
    targets: {
      [build]: buildTarget(project, options.buildInputs ?? []),
      [options.deployTargetName ?? 'deploy']: deployTarget(project, build),
      [options.serveTargetName ?? 'serve']: serveTarget(project),
      [options.runTargetName ?? 'run']: runTarget(project),
    },
  };
}

function buildTarget({ entry }: GantryProject, buildInputs: string[]): TargetConfiguration {
  return {
    executor: EXECUTOR,
    options: { command: 'build', entry, manifest: BUILD_FOLDER },
    cache: true,
    // A bundle holds the sources of every workspace library that the app uses.
    inputs: ['default', '^default', ...buildInputs],
    outputs: [`{projectRoot}/${BUILD_FOLDER}`],
    metadata: metadata('Builds the app: a manifest and a bundle', 'build', ['--json']),
  };
}

function deployTarget({ entry }: GantryProject, build: string): TargetConfiguration {
  return {
    executor: EXECUTOR,
    dependsOn: [build],
    options: { command: 'deploy', entry, manifest: BUILD_FOLDER },
    metadata: metadata('Makes the build live; running calls are not disturbed', 'deploy', [
      '--env',
      'staging',
    ]),
  };
}

function serveTarget({ entry }: GantryProject): TargetConfiguration {
  return {
    executor: EXECUTOR,
    continuous: true,
    options: { command: 'serve', entry },
    metadata: metadata('Serves web endpoints while you work: rebuilds on every change', 'serve', [
      '--env',
      'staging',
    ]),
  };
}

function runTarget({ entry }: GantryProject): TargetConfiguration {
  return {
    executor: EXECUTOR,
    options: { command: 'run', entry },
    metadata: metadata('Runs a local entrypoint or a function', 'run', ['--function', 'main']),
  };
}

function metadata(description: string, command: string, args: string[]): TargetMetadata {
  return {
    technologies: ['gantry'],
    description,
    help: { command: `npx gantry ${command} --help`, example: { args } },
  };
}
