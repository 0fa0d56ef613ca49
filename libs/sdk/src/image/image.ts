import { ExecutionError, InvalidError } from '@gantry/protocol';

import type { Client } from '../client.ts';
import { containerHost } from '../host.ts';
import { checkKeys } from '../option-checks.ts';
import { DRAFT, type ImageDraft, type LocalPath } from './draft-steps.ts';
import type {
  AddLocalDirOptions,
  AddLocalFileOptions,
  AddLocalSourceOptions,
  BuildStepOptions,
  DebianSlimOptions,
  DockerfileCommandsOptions,
  DockerfileOptions,
  NpmCiOptions,
  PnpmInstallOptions,
  NpmInstallOptions,
  MicromambaInstallOptions,
  MicromambaOptions,
  PipInstallOptions,
  PoetryInstallOptions,
  PyprojectInstallOptions,
  PrivateRegistryOptions,
  PrivateReposOptions,
  RegistryOptions,
  RunFunctionOptions,
} from './image-options.ts';
import { importWhereItIs } from './absent-module.ts';
import { functionStep, keepImageFunction } from './image-functions.ts';
import { lookUpImage } from './image-lookup.ts';
import { checkFlags, fileUnder, folderUnder, ignoreRef, sourcesUnder, splitSources } from './local-paths.ts';
import { type AnyCallee, stackAt } from './stack-at.ts';
import { micromambaBase, micromambaStep } from './micromamba-steps.ts';
import {
  aptStep,
  builtImageStep,
  debianStep,
  dockerfileCommandsStep,
  dockerfileStep,
  envStep,
  type NewStep,
  npmStep,
  pipPackagesStep,
  pipRepositoriesStep,
  runStep,
  wordsStep,
  workdirStep,
} from './image-steps.ts';
import { pyprojectStep, requirementsStep } from './pip-steps.ts';
import { poetryStep } from './poetry-step.ts';
import { lockedStep, registryStep } from './step-specs.ts';
import type { WordsThen } from './step-checks.ts';

const EMPTY: ImageDraft = { steps: [], files: [] };

/**
 * What the containers of a function have for a file system: a base, and steps on top of it. An image is immutable; each
 * method returns a new one. Nothing is built where this is written: a deploy does it, and only what is new.
 *
 * Local paths are relative to the project's folder. In containers, which load this code, too, an image does nothing.
 *
 * @example
 * ```ts
 * const image = Image.debianSlim()
 *   .aptInstall('tesseract-ocr', 'tesseract-ocr-deu')
 *   .npmInstall('sharp@0.34')
 *   .env({ OMP_THREAD_LIMIT: '1' })
 *   .addLocalDir('patterns', '/patterns');
 * export const read = app.function({ image, cpu: 2 }, async (page: Uint8Array) => page.length);
 * ```
 */
export class Image {
  readonly #draft: ImageDraft;
  #id: string | undefined;

  private constructor(draft: ImageDraft) {
    this.#draft = draft;
  }

  /**
   * Debian's slim variant with Node.
   *
   * @throws {@link InvalidError} on a version that is none.
   */
  static debianSlim(options: DebianSlimOptions = {}): Image {
    return new Image(EMPTY).#step(this.debianSlim, (subject) => debianStep(subject, options));
  }

  /**
   * Debian with micromamba, for packages of conda. What it installs is active in steps and in containers.
   *
   * @example
   * ```ts
   * const image = Image.micromamba({ pythonVersion: '3.12' }).micromambaInstall('gdal', { channels: ['conda-forge'] });
   * ```
   */
  static micromamba(options: MicromambaOptions = {}): Image {
    return new Image(EMPTY).#step(this.micromamba, (subject) => ({ spec: micromambaBase(subject, options) }));
  }

  /**
   * An image of a registry, such as `node:22-slim` or `ghcr.io/owner/name@sha256:…`, for Linux on the workers' kind of
   * processor. Functions need Node in it: `addNode` puts one there.
   */
  static fromRegistry(reference: string, options: RegistryOptions = {}): Image {
    return new Image(EMPTY).#step(this.fromRegistry, (subject) => ({
      spec: registryStep({ subject, kind: 'static' }, reference, options),
    }));
  }

  /** A private image of AWS: the secret has `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_REGION`. */
  static fromAwsEcr(reference: string, options: PrivateRegistryOptions): Image {
    return new Image(EMPTY).#step(this.fromAwsEcr, (subject) => ({
      spec: registryStep({ subject, kind: 'aws' }, reference, options),
    }));
  }

  /** A private image of Google Cloud: the secret has `SERVICE_ACCOUNT_JSON`, the text of a key, not a path to it. */
  static fromGcpArtifactRegistry(reference: string, options: PrivateRegistryOptions): Image {
    return new Image(EMPTY).#step(this.fromGcpArtifactRegistry, (subject) => ({
      spec: registryStep({ subject, kind: 'gcp' }, reference, options),
    }));
  }

  /**
   * What a Dockerfile builds. The files that its `COPY` and `ADD` lines take go along, without those that a
   * `.dockerignore` names. An `ENTRYPOINT` must end in running its arguments (`exec "$@"`).
   */
  static fromDockerfile(path: string, options: DockerfileOptions = {}): Image {
    return new Image(EMPTY).#step(this.fromDockerfile, (subject) => dockerfileStep(subject, path, options));
  }

  /**
   * An image of the platform that was built before, by the id that its deploy showed. What has an id never changes.
   *
   * @throws {@link InvalidError} on a text that is no such id. A deploy fails with `NotFoundError` where there is no such
   * image.
   *
   * @example
   * ```ts
   * const image = Image.fromId('im-4xKz01mW2hV7QpLr9TnYbC').npmInstall('sharp');
   * ```
   */
  static fromId(id: string): Image {
    return new Image(EMPTY).#step(this.fromId, (subject) => builtImageStep(subject, id));
  }

  /** Debian packages: names, `name=version` or `name/release`. */
  aptInstall(...packages: WordsThen<BuildStepOptions>): Image {
    return this.#step(this.aptInstall, (subject) => aptStep(subject, packages));
  }

  /**
   * npm packages, as one writes them behind `npm install`. They lie in `/node_modules`, where all code of a container
   * finds them.
   */
  npmInstall(...packages: WordsThen<NpmInstallOptions>): Image {
    return this.#step(this.npmInstall, (subject) => npmStep(subject, packages));
  }

  /** What a `package-lock.json` says, without development dependencies. */
  npmCi(options: NpmCiOptions = {}): Image {
    return this.#step(this.npmCi, (subject) => lockedStep(subject, options, 'npmCi'));
  }

  /** What a `pnpm-lock.yaml` says, without development dependencies, by the pnpm that its `package.json` names. */
  pnpmInstall(options: PnpmInstallOptions = {}): Image {
    return this.#step(this.pnpmInstall, (subject) => lockedStep(subject, options, 'pnpm'));
  }

  /** Python packages, as one writes them behind `pip install`. The image gets a Python if it has none. */
  pipInstall(...packages: WordsThen<PipInstallOptions>): Image {
    return this.#step(this.pipInstall, (subject) => pipPackagesStep(subject, packages));
  }

  /**
   * Python packages of private repositories of git, on GitHub or GitLab: `host/owner/name[@ref][#subdirectory=path]`. A secret
   * has the token, as `GITHUB_TOKEN` or `GITLAB_TOKEN`. The image gets git if it has none.
   *
   * @example
   * ```ts
   * const image = Image.debianSlim().pipInstallPrivateRepos('github.com/acme/tools@v1.2', {
   *   gitUser: 'octocat',
   *   secrets: [Secret.fromName('github', { requiredKeys: ['GITHUB_TOKEN'] })],
   * });
   * ```
   */
  pipInstallPrivateRepos(
    ...repositories: [...words: (string | readonly string[])[], options: PrivateReposOptions]
  ): Image {
    return this.#step(this.pipInstallPrivateRepos, (subject) => pipRepositoriesStep(subject, repositories));
  }

  /** The Python packages of a requirements file. */
  pipInstallFromRequirements(path: string, options: PipInstallOptions = {}): Image {
    return this.#step(this.pipInstallFromRequirements, (subject) => requirementsStep(subject, path, options));
  }

  /** What the project of a `pyproject.toml` depends on. Needs Python 3.11 or newer, as images of Debian have. */
  pipInstallFromPyproject(path: string, options: PyprojectInstallOptions = {}): Image {
    return this.#step(this.pipInstallFromPyproject, (subject) => pyprojectStep(subject, path, options));
  }

  /**
   * What the project of a `pyproject.toml` of Poetry depends on, at the versions of its `poetry.lock`: into the image's Python,
   * without the project itself. Poetry comes from PyPI for the time of the step.
   */
  poetryInstallFromFile(path: string, options: PoetryInstallOptions = {}): Image {
    return this.#step(this.poetryInstallFromFile, (subject) => poetryStep(subject, path, options));
  }

  /** Packages of conda, as one writes them behind `micromamba install`, for images that have micromamba. */
  micromambaInstall(...packages: WordsThen<MicromambaInstallOptions>): Image {
    const isDebian = this.#draft.steps[0]?.spec.type === 'debian';
    return this.#step(this.micromambaInstall, (subject) => micromambaStep(subject, packages, { isDebian }));
  }

  /** Lines of a shell, each run on its own; the step fails with the first that does. */
  runCommands(...commands: WordsThen<BuildStepOptions>): Image {
    return this.#step(this.runCommands, (subject) => runStep(subject, commands));
  }

  /** Lines of a Dockerfile, after `FROM`. The local files that `COPY` and `ADD` take go along. */
  dockerfileCommands(...lines: WordsThen<DockerfileCommandsOptions>): Image {
    return this.#step(this.dockerfileCommands, (subject) => dockerfileCommandsStep(subject, lines));
  }

  /**
   * Runs a function of the app in a container of the image so far, and keeps what it did to the file system. It runs
   * again when it, its arguments, or a variable of a module that it names changes; not when a function that it calls does.
   *
   * @example
   * ```ts
   * async function download(name: string) {
   *   await writeFile(`/models/${name}`, Buffer.from(await (await fetch(`${MODELS}/${name}`)).arrayBuffer()));
   * }
   * const image = Image.debianSlim().runCommands('mkdir /models').runFunction(download, { args: ['eng'] });
   * ```
   */
  runFunction<TArgs extends unknown[]>(
    fn: (...args: TArgs) => unknown,
    options: RunFunctionOptions<NoInfer<TArgs>> = {},
  ): Image {
    // In containers, too: one of them is to run it.
    keepImageFunction('Image.runFunction', fn);
    return this.#step(this.runFunction, (subject) => functionStep(subject, fn, options));
  }

  /** Environment variables of later steps and of containers. Never for secrets: they are part of the image. */
  env(variables: Record<string, string>): Image {
    return this.#step(this.env, (subject) => envStep(subject, variables));
  }

  /** The folder in which later steps and containers start. */
  workdir(path: string): Image {
    return this.#step(this.workdir, (subject) => workdirStep(subject, path));
  }

  /** Words before the command of a container; they must end in running it (`exec "$@"`). `[]` clears them. */
  entrypoint(words: readonly string[]): Image {
    return this.#step(this.entrypoint, (subject) => wordsStep(subject, 'entrypoint', words));
  }

  /** What a sandbox runs that is given no command. Functions do not use it. */
  cmd(words: readonly string[]): Image {
    return this.#step(this.cmd, (subject) => wordsStep(subject, 'cmd', words));
  }

  /** The shell that runs later lines. */
  shell(words: readonly string[]): Image {
    return this.#step(this.shell, (subject) => wordsStep(subject, 'shell', words));
  }

  /**
   * A file of this machine.
   *
   * @param remotePath - Where containers find it: absolute, or relative to their working directory. With a slash at its
   * end, the folder that gets the file under its own name.
   */
  addLocalFile(localPath: string, remotePath: string, options: AddLocalFileOptions = {}): Image {
    return this.#files(this.addLocalFile, options, (subject) => {
      checkKeys(subject, options, ['copy']);
      return fileUnder(subject, localPath, remotePath);
    });
  }

  /** What a folder of this machine holds, below `remotePath`. Empty folders are left out. */
  addLocalDir(localPath: string, remotePath: string, options: AddLocalDirOptions = {}): Image {
    return this.#files(this.addLocalDir, options, (subject) => {
      checkKeys(subject, options, ['copy', 'ignore']);
      const ignore = options.ignore && ignoreRef(subject, options.ignore);
      return folderUnder(subject, { localPath, remotePath, ignore });
    });
  }

  /**
   * Packages of the workspace as sources, for programs that containers start from files: `sources/<name>` in the working
   * directory, and `node_modules/<name>`. What the app imports is in its bundle without this.
   */
  addLocalSource(...packages: WordsThen<AddLocalSourceOptions>): Image {
    if (containerHost()) return this;
    const { words, options } = splitSources('Image.addLocalSource', packages);
    if (words.length === 0) return this;
    return this.#files(this.addLocalSource, options, (subject) =>
      sourcesUnder(subject, words, options.ignore),
    );
  }

  /**
   * Imports what only containers of the image have to have. Elsewhere, also in containers of other images, a package that
   * is not installed is no error until something of it is used.
   *
   * @example
   * ```ts
   * const image = Image.debianSlim().npmInstall('sharp');
   * const sharp = image.imports(() => import('sharp'));
   * export const size = app.function({ image }, async (png: Uint8Array) => (await sharp).default(png).metadata());
   * ```
   */
  async imports<TModule extends object>(load: () => Promise<TModule>): Promise<TModule> {
    return await importWhereItIs(load, { inContainer: containerHost() !== undefined });
  }

  /**
   * Asks the platform which image this is there: one that was built before, or what the newest deploy or run of a function
   * that has it was given.
   *
   * @param client - Whose platform. @defaultValue `Client.default()`
   * @throws NotFoundError if there is no image of the id; {@link ExecutionError} if nothing that has the image is deployed,
   * or containers have no images there; {@link InvalidError} if no function of this program has it.
   *
   * @example
   * ```ts
   * await app.deploy();
   * console.log((await image.hydrate()).objectId); // for Image.fromId elsewhere
   * ```
   */
  async hydrate(client?: Client): Promise<this> {
    this.#id = await lookUpImage(this, { id: this.#builtId, client });
    return this;
  }

  /**
   * Id of the image, `im-…`.
   *
   * @throws {@link ExecutionError} before it was looked up.
   */
  get objectId(): string {
    if (this.#id !== undefined) return this.#id;
    throw new ExecutionError('the image was not looked up yet, so its id is not known', {
      hint: 'Call hydrate() first.',
    });
  }

  // What containers get beside it is no part of an image.
  get #builtId(): string | undefined {
    const [base, ...rest] = this.#draft.steps;
    return base?.spec.type === 'image' && rest.length === 0 ? base.spec.id : undefined;
  }

  /** @internal */
  get [DRAFT](): ImageDraft {
    return this.#draft;
  }

  /** Adds a step, or none where there is nothing to do. In a container there never is. */
  #step(callee: AnyCallee, make: (subject: string) => NewStep | false): Image {
    if (containerHost()) return this;
    const made = make(`Image.${callee.name}`);
    if (!made) return this;
    const [attached] = this.#draft.files;
    if (attached) {
      throw new InvalidError(
        `Image.${callee.name} cannot follow files that are added when a container starts`,
        {
          hint: `Write ${attached.method}(..., { copy: true }), or move it to the end.`,
        },
      );
    }
    const steps = [...this.#draft.steps, { ...made, stack: stackAt(callee) }];
    return new Image({ ...this.#draft, steps });
  }

  #files(
    callee: AnyCallee,
    { copy = false }: AddLocalFileOptions,
    make: (subject: string) => { remotePath: string; paths: LocalPath[] },
  ): Image {
    if (containerHost()) return this;
    const subject = `Image.${callee.name}`;
    const { remotePath, paths } = make(subject);
    checkFlags(subject, { copy });
    if (copy) {
      const spec = { type: 'files', remotePath } as const;
      return this.#step(callee, () => ({ spec, local: { field: 'archive', paths } }));
    }
    const added = { remotePath, paths, stack: stackAt(callee), method: callee.name };
    return new Image({ ...this.#draft, files: [...this.#draft.files, added] });
  }
}
