import { InvalidError } from '@gantry/protocol';

import { containerHost } from '../host.ts';
import { checkKeys } from '../option-checks.ts';
import { DRAFT, type DraftStep, type ImageDraft, type LocalPath } from './draft-steps.ts';
import type {
  AddLocalDirOptions,
  AddLocalFileOptions,
  BuildStepOptions,
  DebianSlimOptions,
  NpmInstallOptions,
} from './image-options.ts';
import { checkFlags, fileUnder, folderUnder, ignoreRef } from './local-paths.ts';
import {
  checkAbsolute,
  checkPackages,
  checkTexts,
  checkVariables,
  checkVersions,
  splitWords,
  stepFields,
  type WordsThen,
} from './step-checks.ts';

type AnyCallee = (...args: never[]) => unknown;
type NewStep = Omit<DraftStep, 'stack'>;

const EMPTY: ImageDraft = { steps: [], files: [] };
const APT_PACKAGE = /^[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?(?:[=/][\w.+~:-]+)?$/;

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

  private constructor(draft: ImageDraft) {
    this.#draft = draft;
  }

  /**
   * Debian's slim variant with Node.
   *
   * @throws {@link InvalidError} on a version that is none.
   */
  static debianSlim(options: DebianSlimOptions = {}): Image {
    return new Image(EMPTY).#step(this.debianSlim, (subject) => {
      checkKeys(subject, options, ['nodeVersion', 'pythonVersion', 'forceBuild']);
      checkVersions(subject, options, ['nodeVersion', 'pythonVersion']);
      const { nodeVersion, pythonVersion, ...rest } = options;
      return { spec: { type: 'debian', nodeVersion, pythonVersion, ...stepFields(subject, rest) } };
    });
  }

  /** Debian packages: names, `name=version` or `name/release`. */
  aptInstall(...packages: WordsThen<BuildStepOptions>): Image {
    return this.#step(this.aptInstall, (subject) => {
      const { words, options } = splitWords<BuildStepOptions>(subject, packages);
      checkPackages(subject, words, APT_PACKAGE);
      return words.length > 0 && { spec: { type: 'apt', packages: words, ...stepFields(subject, options) } };
    });
  }

  /**
   * npm packages, as one writes them behind `npm install`. They lie in `/node_modules`, where all code of a container
   * finds them.
   */
  npmInstall(...packages: WordsThen<NpmInstallOptions>): Image {
    return this.#step(this.npmInstall, (subject) => {
      const texts = ['registry', 'extraOptions'] as const;
      const { words, options } = splitWords<NpmInstallOptions>(subject, packages, texts);
      checkPackages(subject, words);
      checkTexts(subject, options, texts);
      const { registry, extraOptions } = options;
      const fields = { registry, extraOptions, ...stepFields(subject, options) };
      return words.length > 0 && { spec: { type: 'npm', packages: words, ...fields } };
    });
  }

  /** Lines of a shell, each run on its own; the step fails with the first that does. */
  runCommands(...commands: WordsThen<BuildStepOptions>): Image {
    return this.#step(this.runCommands, (subject) => {
      const { words, options } = splitWords<BuildStepOptions>(subject, commands);
      return words.length > 0 && { spec: { type: 'run', commands: words, ...stepFields(subject, options) } };
    });
  }

  /** Environment variables of later steps and of containers. Never for secrets: they are part of the image. */
  env(variables: Record<string, string>): Image {
    return this.#step(this.env, (subject) => {
      checkVariables(subject, variables);
      return { spec: { type: 'env', variables: { ...variables } } };
    });
  }

  /** The folder in which later steps and containers start. */
  workdir(path: string): Image {
    return this.#step(this.workdir, (subject) => {
      checkAbsolute(subject, path);
      return { spec: { type: 'workdir', path } };
    });
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
          hint: `Write ${attached.method}(…, { copy: true }), or move it to the end.`,
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

function stackAt(callee: AnyCallee): string {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callee);
  return holder.stack ?? '';
}
