import type { BaseStep, BuildStep, ImageSpec } from './image.ts';
import type { SourceSite } from './manifest.ts';

/** Something of an image that only a container with a file system of its own can have. */
export interface ImageNeed {
  /** What was written, such as `Image.aptInstall`. */
  what: string;
  /** What else there is to do about it than to have such containers. */
  instead?: string | undefined;
  site?: SourceSite | undefined;
}

const METHODS: Readonly<Record<(BaseStep | BuildStep)['type'], string>> = {
  debian: 'debianSlim',
  registry: 'fromRegistry',
  micromamba: 'micromamba',
  dockerfile: 'fromDockerfile',
  image: 'fromId',
  apt: 'aptInstall',
  npm: 'npmInstall',
  npmCi: 'npmCi',
  pnpm: 'pnpmInstall',
  pip: 'pipInstall',
  poetry: 'poetryInstallFromFile',
  micromambaInstall: 'micromambaInstall',
  run: 'runCommands',
  dockerfileCommands: 'dockerfileCommands',
  files: 'addLocalFile',
  function: 'runFunction',
  env: 'env',
  workdir: 'workdir',
  entrypoint: 'entrypoint',
  cmd: 'cmd',
  shell: 'shell',
};

/** What to do about a place in the file system where a container has none of its own. */
export const RELATIVE_PATH =
  'give it a path without a slash in front, which is relative to the working directory';

/**
 * What of an image a plain process cannot have: it gets npm packages, environment variables, and files in its working
 * directory.
 *
 * @param nodeVersion - Of the machine's own Node, such as `24.1.0`.
 */
export function needsOfImage({ steps, sites, files = [] }: ImageSpec, nodeVersion: string): ImageNeed[] {
  const needs = steps.flatMap((step, at): ImageNeed[] => {
    const need = needOfStep(step, nodeVersion);
    return need ? [{ ...need, site: sites[at] }] : [];
  });
  const attached = files.flatMap(({ remotePath }, at): ImageNeed[] => {
    if (!remotePath.startsWith('/')) return [];
    return [{ what: `a file in "${remotePath}"`, instead: RELATIVE_PATH, site: sites[steps.length + at] }];
  });
  return [...needs, ...attached];
}

function needOfStep(step: BaseStep | BuildStep, nodeVersion: string): ImageNeed | undefined {
  const what = `Image.${methodOf(step)}`;
  switch (step.type) {
    case 'env':
      return undefined;
    case 'debian':
      if (step.pythonVersion !== undefined) return { what: `${what} with Python` };
      if (step.nodeVersion === undefined || isVersionOf(nodeVersion, step.nodeVersion)) return undefined;
      return { what: `${what} with Node ${step.nodeVersion}`, instead: `go with Node ${nodeVersion}` };
    case 'npm':
    case 'npmCi':
      if (step.secrets) return { what: `${what} with secrets` };
      return step.gpu === undefined ? undefined : { what: `${what} with a GPU` };
    case 'pnpm':
      return { what, instead: 'import the packages, and leave the step out' };
    case 'files':
      if (!step.remotePath.startsWith('/')) return undefined;
      return { what: `a copied file in "${step.remotePath}"`, instead: RELATIVE_PATH };
    default:
      return { what };
  }
}

function methodOf(step: BaseStep | BuildStep): string {
  if (step.type !== 'pip') return METHODS[step.type];
  if (step.privateRepositories) return 'pipInstallPrivateRepos';
  if (!step.requirements) return METHODS.pip;
  return step.optionalDependencies ? 'pipInstallFromPyproject' : 'pipInstallFromRequirements';
}

function isVersionOf(actual: string, wanted: string): boolean {
  return `${actual}.`.startsWith(`${wanted}.`);
}
