import type { Secret } from '../secret.ts';
import type { CloudBucketMount } from '../volumes/cloud-bucket-mount.ts';
import type { NetworkFileSystem } from '../volumes/network-file-system.ts';
import type { Volume } from '../volumes/volume.ts';
import type { FilePatternMatcher } from './file-pattern-matcher.ts';

/** What every step takes. */
export interface BuildStepOptions {
  /** Run the step, and all after it, at each build. @defaultValue false */
  forceBuild?: boolean | undefined;
  /** In the environment while the step runs; they stay out of the image. @defaultValue none */
  secrets?: readonly Secret[];
  /**
   * A GPU while the step runs, such as `A10G`, `H100:2` or `any`; of a list, the first that the building machine has.
   * @defaultValue none
   */
  gpu?: string | readonly string[];
}

export interface DebianSlimOptions {
  /** Such as `22` or `22.12`. Functions run in it, from 22.12 on. @defaultValue the Node of the platform */
  nodeVersion?: string;
  /** Such as `3.11`. @defaultValue no Python, until a step needs one */
  pythonVersion?: string;
  /** Make the base anew at each build. @defaultValue false */
  forceBuild?: boolean;
}

export interface MicromambaOptions {
  /** Such as `3.12`. @defaultValue no Python, until a step needs one */
  pythonVersion?: string;
  /** Another image with micromamba, such as a copy of the usual one in a registry of one's own. @defaultValue that of Docker Hub */
  image?: string;
  /** `REGISTRY_USERNAME` and `REGISTRY_PASSWORD` for the pull; they stay out of the image. @defaultValue none */
  secret?: Secret;
  /** Pull anew, and run all steps, at each build. @defaultValue false */
  forceBuild?: boolean;
}

export interface MicromambaInstallOptions extends BuildStepOptions {
  /** A file that says what to install: an environment of conda in YAML, or a list as text. @defaultValue none */
  specFile?: string;
  /** Where packages come from, best first. @defaultValue those that the file says, else conda-forge */
  channels?: readonly string[];
}

export interface RegistryOptions {
  /** `REGISTRY_USERNAME` and `REGISTRY_PASSWORD` for the pull; they stay out of the image. @defaultValue none */
  secret?: Secret;
  /** Lines of a Dockerfile that come before everything else. @defaultValue none */
  setupDockerfileCommands?: readonly string[];
  /**
   * Install this version of Node. Functions run in it, as they do in the Node of official images, from 22.12 on; else in the
   * platform's. @defaultValue none
   */
  addNode?: string;
  /**
   * Have this version of Python, with pip: the image's own, or that of its distribution (Debian, Ubuntu), which the step fails
   * without. @defaultValue none
   */
  addPython?: string;
  /** Pull anew, and run all steps, at each build. @defaultValue false */
  forceBuild?: boolean;
}

/** {@link RegistryOptions} of a registry that asks who pulls. */
export interface PrivateRegistryOptions extends RegistryOptions {
  secret: Secret;
}

export interface DockerfileOptions extends BuildStepOptions {
  /** The folder that `COPY` takes from. @defaultValue the project's folder */
  contextDir?: string;
  /** Files that `COPY` does not see. @defaultValue the `.dockerignore` beside the Dockerfile or in the context */
  ignore?: Ignore;
  addNode?: string;
  addPython?: string;
}

export interface DockerfileCommandsOptions extends BuildStepOptions {
  /** Local files by the name under which `COPY` finds them. @defaultValue none */
  contextFiles?: Readonly<Record<string, string>>;
  /** The folder that `COPY` takes from. @defaultValue the project's folder */
  contextDir?: string;
  /** Files that `COPY` does not see. @defaultValue the `.dockerignore` in the context */
  ignore?: Ignore;
}

export interface NpmInstallOptions extends BuildStepOptions {
  /** Address of another registry. @defaultValue npm's */
  registry?: string;
  /** Further flags of `npm install`, as in a shell. @defaultValue none */
  extraOptions?: string;
}

export interface NpmCiOptions extends BuildStepOptions {
  /** @defaultValue 'package.json' */
  packageJson?: string;
  /** @defaultValue the `package-lock.json` beside the `package.json` */
  lockfile?: string;
  /** Further flags of `npm ci`, as in a shell. @defaultValue none */
  extraOptions?: string;
}

export interface PnpmInstallOptions extends BuildStepOptions {
  /** @defaultValue 'package.json' */
  packageJson?: string;
  /** @defaultValue the `pnpm-lock.yaml` beside the `package.json` */
  lockfile?: string;
  /** Further flags of `pnpm install`, as in a shell. @defaultValue none */
  extraOptions?: string;
}

export interface PipInstallOptions extends BuildStepOptions {
  /** Where to look for archives. */
  findLinks?: string;
  /** Address of another index, in place of PyPI. */
  indexUrl?: string;
  /** Address of another index, beside PyPI. */
  extraIndexUrl?: string;
  /** Take pre-releases, too. @defaultValue false */
  pre?: boolean;
  /** Further flags of `pip install`, as in a shell. @defaultValue none */
  extraOptions?: string;
}

export interface PrivateReposOptions extends PipInstallOptions {
  /** Whose token it is. */
  gitUser: string;
  /** With `GITHUB_TOKEN`, `GITLAB_TOKEN` or both, as the repositories need them. They stay out of the image. */
  secrets: readonly Secret[];
}

export interface PyprojectInstallOptions extends PipInstallOptions {
  /** Names of optional dependencies of the project. @defaultValue none of them */
  optionalDependencies?: readonly string[];
}

export interface PoetryInstallOptions extends BuildStepOptions {
  /** @defaultValue the `poetry.lock` beside the `pyproject.toml` */
  lockfile?: string;
  /** Take the newest versions that fit when the step runs. @defaultValue false */
  ignoreLockfile?: boolean;
  /** Optional groups that are installed, too. @defaultValue none */
  with?: readonly string[];
  /** Groups that are left out. @defaultValue none */
  without?: readonly string[];
  /** Groups of which nothing else is installed. @defaultValue all that are not optional */
  only?: readonly string[];
  /** Changes nothing: packages are always installed by pip, as by the old installer, which Poetry has no more. @defaultValue false */
  oldInstaller?: boolean;
}

export interface RunFunctionOptions<TArgs extends unknown[] = unknown[]> extends BuildStepOptions {
  /** What the function is called with. @defaultValue nothing */
  args?: TArgs;
  /** Longest that it may run, 10 ms to 24 h. @defaultValue 3_600_000 */
  timeoutMs?: number;
  /** Cores that it needs. It may take more, and none are kept for it. @defaultValue 0.125 */
  cpu?: number;
  /** Memory that it needs. It may take more, and none is kept for it. @defaultValue 128 */
  memoryMiB?: number;
  /**
   * Directories by their paths while it runs: a volume as it was committed last, into which what the function has written
   * is committed when it has returned, or calls `commit()`; a bucket. Nothing of it is in the image. The step runs again
   * for another volume, and not because of what is in it. @defaultValue none
   */
  volumes?: Record<string, Volume | CloudBucketMount>;
  /** As `volumes`. @defaultValue none */
  networkFileSystems?: Record<string, NetworkFileSystem>;
}

/** Files to leave out: patterns of `.dockerignore` files, or a function that is true for them; paths are relative. */
export type Ignore = readonly string[] | FilePatternMatcher | ((path: string) => boolean);

export interface AddLocalFileOptions {
  /**
   * True makes a layer of the image, which later steps can use. False puts the file in place when a container starts:
   * a change of it needs no build. @defaultValue false
   */
  copy?: boolean;
}

export interface AddLocalDirOptions extends AddLocalFileOptions {
  /** Paths are relative to the folder. @defaultValue nothing */
  ignore?: Ignore;
}

export interface AddLocalSourceOptions extends AddLocalFileOptions {
  /** Paths are relative to each package. @defaultValue all but `.ts`, `.js` and their kin, and `.json` */
  ignore?: Ignore;
}
