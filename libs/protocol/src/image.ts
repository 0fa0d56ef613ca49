import type { BucketMountSpec } from './bucket-mount.ts';
import type { WireError } from './errors.ts';
import type { FileRef, PackagesRef, SourceSite } from './manifest.ts';
import type { PrivateRepositories } from './private-repositories.ts';
import type { SecretRef } from './secret.ts';
import type { VolumeMountSpec } from './volume-mount.ts';

/** What an image is made of, as its user wrote it: a base, then steps. Images of equal steps are one image. */
export interface ImageSpec {
  steps: [base: BaseStep, ...rest: BuildStep[]];
  /** Where each step was written, then each of `files`; for messages. */
  sites: SourceSite[];
  /**
   * What its npm steps install, and what of the bundle's packages goes with it: for workers whose containers have no file
   * system of their own. Undefined where that is not possible, or nothing.
   */
  packages?: PackagesRef | undefined;
  /** Local files that are put in place when a container starts: no part of the image. Later ones win. */
  files?: AttachedFiles[] | undefined;
}

/** Files of the user's machine, as an archive (`tar.gz`) of the build. */
export interface AttachedFiles {
  archive: FileRef;
  /**
   * Folder in the container under which the archive's entries lie, beside what else is there. Absolute, or relative to
   * the working directory.
   */
  remotePath: string;
  /** What the archive was made of, for people. Says nothing about its content. */
  origins?: FilesOrigin[] | undefined;
}

/** A file or folder of the user's machine. */
export interface FilesOrigin {
  /** Relative to the project's folder; as the app says it where nothing but the root of the machine is common to both. */
  path: string;
  /** Its path in the archive; empty for a folder of which the content lies at the top. */
  name: string;
}

/** What any step may say about its own run. */
export interface StepOptions {
  /** Run the step, and all after it, at each build. */
  forceBuild?: true | undefined;
  /** In the environment while the step runs, in no layer. Later ones win. */
  secrets?: SecretRef[] | undefined;
  /** While the step runs; of a list, the first that the building machine has. */
  gpu?: string | string[] | undefined;
}

/** Where an image begins. */
export type BaseStep =
  | {
      type: 'debian';
      nodeVersion?: string | undefined;
      pythonVersion?: string | undefined;
      forceBuild?: true | undefined;
    }
  | RegistryStep
  | MicromambaStep
  | DockerfileStep
  /** An image that was built before: its files and its settings. */
  | { type: 'image'; id: string };

export interface RegistryStep {
  type: 'registry';
  /** Such as `node:22-slim` or `ghcr.io/owner/name@sha256:…`. */
  reference: string;
  /** Credentials for the pull; they stay out of the image. */
  credentials?: { kind: 'static' | 'aws' | 'gcp'; secret: SecretRef } | undefined;
  /** Lines of a Dockerfile that come before everything else. */
  setupCommands?: string[] | undefined;
  addNode?: string | undefined;
  addPython?: string | undefined;
  forceBuild?: true | undefined;
}

/** An image with micromamba, whose environment is active in steps and containers. */
export interface MicromambaStep {
  type: 'micromamba';
  /** Such as `3.12`. */
  pythonVersion?: string | undefined;
  /** Where it is pulled from, if not from where it is published. */
  reference?: string | undefined;
  credentials?: RegistryStep['credentials'];
  forceBuild?: true | undefined;
}

export interface DockerfileStep extends StepOptions {
  type: 'dockerfile';
  text: string;
  context?: FileRef | undefined;
  addNode?: string | undefined;
  addPython?: string | undefined;
}

/** What is done on top of a base: each step is one layer, or a setting of the image. */
export type BuildStep =
  | ({ type: 'apt'; packages: string[] } & StepOptions)
  | ({
      type: 'npm';
      packages: string[];
      registry?: string | undefined;
      extraOptions?: string | undefined;
    } & StepOptions)
  /** `files` holds `package.json` and `package-lock.json`. */
  | ({ type: 'npmCi'; files: FileRef; extraOptions?: string | undefined } & StepOptions)
  /** `files` holds `package.json` and `pnpm-lock.yaml`. */
  | ({ type: 'pnpm'; files: FileRef; extraOptions?: string | undefined } & StepOptions)
  | PipStep
  | PoetryStep
  | ({
      type: 'micromambaInstall';
      packages: string[];
      channels?: string[] | undefined;
      /** What to install, in conda's YAML or as a list: an archive that holds it under this name. */
      specFile?: { name: string } | undefined;
      files?: FileRef | undefined;
    } & StepOptions)
  | ({ type: 'run'; commands: string[] } & StepOptions)
  | ({ type: 'dockerfileCommands'; lines: string[]; context?: FileRef | undefined } & StepOptions)
  | ({ type: 'files' } & AttachedFiles)
  | FunctionStep
  | { type: 'env'; variables: Record<string, string> }
  | { type: 'workdir'; path: string }
  | { type: 'entrypoint'; words: string[] }
  | { type: 'cmd'; words: string[] }
  | { type: 'shell'; words: string[] };

export interface PipStep extends StepOptions {
  type: 'pip';
  /** Requirement specifiers, never options. */
  packages: string[];
  /** A requirements file, as an archive that holds `requirements.txt`. */
  requirements?: FileRef | undefined;
  /**
   * That archive holds `pyproject.toml` instead: the dependencies of its project are installed, and those that it has under
   * these names for special uses.
   */
  optionalDependencies?: string[] | undefined;
  /** Instead of packages of an index. */
  privateRepositories?: PrivateRepositories | undefined;
  findLinks?: string | undefined;
  indexUrl?: string | undefined;
  extraIndexUrl?: string | undefined;
  pre?: true | undefined;
  extraOptions?: string | undefined;
}

/** Installs what a project of Poetry depends on, and not the project. */
export interface PoetryStep extends StepOptions {
  type: 'poetry';
  /** Holds `pyproject.toml`, and `poetry.lock` unless that is ignored. */
  files: FileRef;
  /** Resolve the newest versions that fit. */
  ignoreLockfile?: true | undefined;
  /** Groups beside those that are not optional. */
  with?: string[] | undefined;
  without?: string[] | undefined;
  /** These groups and no others. */
  only?: string[] | undefined;
}

/** What comes before the name of an image's function in the spec of a container that runs it; no app has such names. */
export const IMAGE_FUNCTION = 'image:';

/** The first argument of a runner that runs such a function, and ends; a bundle, a name and encoded arguments follow. */
export const IMAGE_FUNCTION_FLAG = '--image-function';

/**
 * Where such a runner asks about the step's volumes: a socket, which takes a line of JSON per connection, a
 * {@link StepVolumeRequest}, and answers with a {@link StepVolumeReply}.
 */
export const IMAGE_FUNCTION_VOLUMES = '/dev/gantry/platform/volumes.sock';

export interface StepVolumeRequest {
  act: 'commit' | 'reload';
  name: string;
  environment?: string | undefined;
}

export interface StepVolumeReply {
  error?: WireError | undefined;
}

/** Runs a function of the app in a container of the image so far, and keeps what it did to the file system. */
export interface FunctionStep extends StepOptions {
  type: 'function';
  /** How the runner finds it in the bundle, behind {@link IMAGE_FUNCTION}. */
  name: string;
  /** Of the function's source and the variables outside of it that it names: what decides about a rebuild. */
  sourceDigest: string;
  /** Encoded values, base64. */
  args: string;
  timeoutMs: number;
  cpu?: number | undefined;
  memoryMiB?: number | undefined;
  /** Directories while it runs; what is written there is in the volume or bucket, and in no layer. */
  volumes?: VolumeMountSpec[] | undefined;
  buckets?: BucketMountSpec[] | undefined;
}

/** A built image as the registry keeps it, under `image.<id>`. Its layers are in the blob store. Immutable. */
export interface ImageRecord {
  /** `im-` and 22 characters of the digest of its content. */
  id: string;
  /** Lowest first. */
  layers: ImageLayer[];
  config: ImageConfig;
  builtAtMs: number;
}

/** What is in place after a build step, under `imageStep.<key>`: builds that come to the same step go on from it. */
export interface StepRecord {
  layers: ImageLayer[];
  config: ImageConfig;
  builtAtMs: number;
}

/** One layer: a `tar.gz` in the blob store, with whiteouts as OCI writes them. */
export interface ImageLayer {
  digest: string;
  sizeBytes: number;
  /** SHA-256 of the tar inside, `sha256-<64 hex digits>`. */
  diffId: string;
}

/** What an image says about the processes that run in it. */
export interface ImageConfig {
  env: Record<string, string>;
  workdir?: string | undefined;
  entrypoint?: string[] | undefined;
  cmd?: string[] | undefined;
  /** Words before a command line, in steps that build on it. @defaultValue `['/bin/sh', '-c']` */
  shell?: string[] | undefined;
}

/** What images of the platform begin with, under `imageBuilder`: the same until somebody decides otherwise. */
export interface BuilderRecord {
  /** Number of a release of the image builder. */
  version: number;
  /** For images that do not say theirs, such as `24.1.0`. */
  nodeVersion: string;
  changedAtMs: number;
}

/** A release of the image builder in answers of the API. */
export interface BuilderReleaseSummary {
  version: number;
  /** Release of Debian and its name, such as `12` and `bookworm`. */
  debian: string;
  suite: string;
  /** Version of Python that comes with it, such as `3.11`. */
  python: string;
  /** What images get that do not say their version: what they have, or would have if this release were chosen now. */
  nodeVersion: string;
}

/** `GET /v1/image-builder`: all releases, the oldest first, and which of them is in use. */
export interface BuilderReply {
  version: number;
  releases: BuilderReleaseSummary[];
}
