import { copyFile, rm } from 'node:fs/promises';

import type { SourceSite } from '@gantry/protocol';

import type { BuildValidation } from '../builder.ts';
import { toBuildError } from '../mistake.ts';
import { displayPath, type Project } from '../project.ts';
import { ChangedFile, isUnchanged, writeFileArchive } from './file-archive.ts';
import { describeLocalFile } from './folder-walk.ts';
import type { ArchiveFile } from './local-files.ts';

export interface PackedFilesOptions {
  project: Project;
  validation: BuildValidation;
}

/** The local files that a build takes along: what has changed since they were found is told, or an error. */
export class PackedFiles {
  readonly #options: PackedFilesOptions;
  readonly #taken: { file: ArchiveFile; site: SourceSite }[] = [];
  readonly #changed = new Set<string>();

  constructor(options: PackedFilesOptions) {
    this.#options = options;
  }

  /** What to tell of files that changed, if it is to be told and is no error. */
  get warnings(): string[] {
    if (this.#options.validation !== 'warning') return [];
    return [...this.#changed].map(
      (path) =>
        `${this.#nameOf(path)} changed while the app was built: it may hold either state, or parts of both`,
    );
  }

  /** Keeps in mind what a file was like when it was read. */
  take(file: ArchiveFile, site: SourceSite): void {
    this.#taken.push({ file, site });
  }

  /**
   * Packs files into an archive. Those that are written to meanwhile go into it as a copy, unless that is an error.
   *
   * @throws BuildError for files that changed, where they must not, and for those that are gone.
   */
  async write(files: readonly ArchiveFile[], archive: string, site: SourceSite): Promise<void> {
    for (const file of files) this.take(file, site);
    let rest = files;
    const copies: string[] = [];
    try {
      for (;;) {
        const changed = await writeFileArchive(rest, archive).catch(changedOf);
        if (changed === undefined) return;
        if (this.#options.validation === 'error') throw this.#mistake(changed, site);
        rest = await this.#copied(rest, { archive, copies, site });
      }
    } finally {
      for (const copy of copies) await rm(copy, { force: true });
    }
  }

  /** @throws BuildError if a file is not as it was when it was packed, and that is an error. */
  async check(): Promise<void> {
    for (const { file, site } of this.#taken) {
      if (await isUnchanged(file)) continue;
      if (this.#options.validation === 'error') throw this.#mistake(file.path, site);
      this.#changed.add(file.path);
    }
  }

  async #copied(
    files: readonly ArchiveFile[],
    { archive, copies, site }: { archive: string; copies: string[]; site: SourceSite },
  ): Promise<ArchiveFile[]> {
    const kept: ArchiveFile[] = [];
    for (const file of files) {
      if (await isUnchanged(file)) {
        kept.push(file);
        continue;
      }
      const copy = `${archive}.${copies.length}`;
      copies.push(copy);
      await copyFile(file.path, copy).catch((error: unknown) => {
        throw this.#mistake(file.path, site, error);
      });
      const { sizeBytes, modifiedMs } = await describeLocalFile(copy, file.name);
      kept.push({ ...file, path: copy, sizeBytes, modifiedMs });
    }
    return kept;
  }

  #mistake(path: string, site: SourceSite, cause?: unknown): Error {
    const gone = (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
    const what = `${this.#nameOf(path)} ${gone ? 'was removed' : 'changed'} while the app was built`;
    const hint = gone
      ? 'Build again when nothing removes it.'
      : 'Build again when nothing writes to it, or set GANTRY_BUILD_VALIDATION to "warning" or "ignore".';
    return toBuildError([{ ...site, what, hint }], cause);
  }

  #nameOf(path: string): string {
    return `"${displayPath(this.#options.project, path)}"`;
  }
}

function changedOf(error: unknown): string {
  if (error instanceof ChangedFile) return error.path;
  throw error;
}
