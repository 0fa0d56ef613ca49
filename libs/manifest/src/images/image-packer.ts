import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { AttachedFiles, BaseStep, BuildStep, FileRef, ImageSpec, SourceSite } from '@gantry/protocol';
import type { LocalPath } from 'gantry/internal';

import type { EvaluatedImage } from '../evaluated-app.ts';
import { toBuildError } from '../mistake.ts';
import { describeFile } from '../package-archive.ts';
import { displayPath, type Project } from '../project.ts';
import { ChangedFile, writeFileArchive } from './file-archive.ts';
import { findLocalFiles, type AskIgnored } from './local-files.ts';

export interface ImagePackerOptions {
  project: Project;
  /** Folder of the manifest. */
  outDir: string;
  askIgnored: AskIgnored;
  /** Told of each local file that is packed. */
  onFile(path: string): void;
}

const ARCHIVE = /^files-[0-9a-f]{16}\.tar\.gz$/;

/** Brings images into the form of the manifest: packs their local files beside it, each content once. */
export class ImagePacker implements AsyncDisposable {
  readonly #options: ImagePackerOptions;
  /** By the name that they get when the build has succeeded. */
  readonly #drafts = new Map<string, string>();
  #count = 0;

  constructor(options: ImagePackerOptions) {
    this.#options = options;
  }

  /** @throws BuildError for local files that are missing, or change meanwhile. */
  async pack({ steps, files }: EvaluatedImage): Promise<ImageSpec> {
    const packed: (BaseStep | BuildStep)[] = [];
    for (const { spec, local, site } of steps) {
      const archive = local && { [local.field]: await this.#archive(local.paths, site) };
      packed.push(defined({ ...spec, ...archive }) as BaseStep | BuildStep);
    }
    const attached: AttachedFiles[] = [];
    for (const { paths, remotePath, site } of files) {
      attached.push({ archive: await this.#archive(paths, site), remotePath });
    }
    return {
      steps: packed as ImageSpec['steps'],
      sites: [...steps, ...files].map(({ site }) => site),
      ...(attached.length > 0 ? { files: attached } : {}),
    };
  }

  /** Gives the archives their names, and removes those of earlier builds. */
  async commit(): Promise<void> {
    const { outDir } = this.#options;
    for (const [name, draft] of this.#drafts) await rename(draft, join(outDir, name));
    for (const name of await readdir(outDir)) {
      if (ARCHIVE.test(name) && !this.#drafts.has(name)) await rm(join(outDir, name));
    }
    this.#drafts.clear();
  }

  /** Removes what was packed for a build that failed. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const draft of this.#drafts.values()) await rm(draft, { force: true });
  }

  async #archive(paths: readonly LocalPath[], site: SourceSite): Promise<FileRef> {
    const { project, outDir, askIgnored, onFile } = this.#options;
    const files = await findLocalFiles(paths, { root: project.root, site, askIgnored });
    for (const { path } of files) onFile(path);
    const draft = join(outDir, `.files-${process.pid}-${(this.#count += 1)}.tar.gz`);
    this.#drafts.set(draft, draft);
    await mkdir(outDir, { recursive: true });
    await writeFileArchive(files, draft).catch((error: unknown) => {
      if (!(error instanceof ChangedFile)) throw error;
      const what = `"${displayPath(project, error.path)}" changed while the app was built`;
      throw toBuildError([{ ...site, what, hint: 'Build again when nothing writes to it.' }], error);
    });
    const described = await describeFile(draft);
    const path = `files-${described.digest.slice('sha256-'.length).slice(0, 16)}.tar.gz`;
    this.#drafts.delete(draft);
    if (this.#drafts.has(path)) await rm(draft);
    else this.#drafts.set(path, draft);
    return { path, ...described };
  }
}

function defined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
