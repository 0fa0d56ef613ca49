import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type {
  AttachedFiles,
  BaseStep,
  BuildStep,
  FileRef,
  ImageSpec,
  PackagesRef,
  SourceSite,
} from '@gantry/protocol';
import type { DockerfileDraft, LocalPath } from 'gantry/internal';

import type { BuildValidation } from '../builder.ts';
import type { EvaluatedImage } from '../evaluated-app.ts';
import { describeFile } from '../package-archive.ts';
import type { Project } from '../project.ts';
import { originsOf } from './files-origins.ts';
import { describeLocalFile } from './folder-walk.ts';
import type { ImagePackages } from './image-packages.ts';
import { dockerfileFiles, dockerfileText } from './dockerfile-files.ts';
import { findLocalFiles, type ArchiveFile, type AskIgnored, type LocalFilesOptions } from './local-files.ts';
import { PackedFiles } from './packed-files.ts';

export interface ImagePackerOptions {
  project: Project;
  /** Folder of the manifest. */
  outDir: string;
  askIgnored: AskIgnored;
  /** Told of each local file that is packed. */
  onFile(path: string): void;
  /** Told of each folder in which it looked for such files. */
  onFolder(path: string): void;
  /** What decides about running a function again, by `file:line` of the step. */
  functionSources: ReadonlyMap<string, string>;
  npm: Pick<ImagePackages, 'write'>;
  /** What to do about local files that change meanwhile. */
  validation: BuildValidation;
}

const ARCHIVE = /^(?:files|packages)-[0-9a-f]{16}\.tar\.gz$/;

/** Brings images into the form of the manifest: packs their local files beside it, each content once. */
export class ImagePacker implements AsyncDisposable {
  readonly #options: ImagePackerOptions;
  /** By the name that they get when the build has succeeded. */
  readonly #drafts = new Map<string, string>();
  readonly #packed: PackedFiles;
  #count = 0;

  constructor(options: ImagePackerOptions) {
    this.#options = options;
    this.#packed = new PackedFiles(options);
  }

  /** What to tell of local files that changed, after {@link commit}. */
  get warnings(): string[] {
    return this.#packed.warnings;
  }

  /** @throws BuildError for local files that are missing, or change meanwhile. */
  async pack(image: EvaluatedImage): Promise<ImageSpec> {
    const { steps, files } = image;
    const packed: (BaseStep | BuildStep)[] = [];
    for (const step of steps) packed.push(await this.#step(step));
    const attached: AttachedFiles[] = [];
    for (const { paths, remotePath, site } of files) {
      const archive = await this.#archive(await this.#find(paths, site), site);
      attached.push({ archive, remotePath, origins: originsOf(paths, this.#options.project) });
    }
    const spec: ImageSpec = {
      steps: packed as ImageSpec['steps'],
      sites: [...steps, ...files].map(({ site }) => site),
      ...(attached.length > 0 ? { files: attached } : {}),
    };
    const packages = await this.#packages(spec, image);
    return packages ? { ...spec, packages } : spec;
  }

  /**
   * Gives the archives their names, and removes those of earlier builds.
   *
   * @throws BuildError for local files that are not as they were packed.
   */
  async commit(): Promise<void> {
    await this.#packed.check();
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

  async #step({
    spec,
    local,
    dockerfile,
    functionText,
    site,
  }: EvaluatedImage['steps'][number]): Promise<BaseStep | BuildStep> {
    const fields: Record<string, unknown> = { ...spec };
    if (local) fields[local.field] = await this.#archive(await this.#find(local.paths, site), site);
    if (local && spec.type === 'files') fields['origins'] = originsOf(local.paths, this.#options.project);
    if (dockerfile) {
      const options = this.#filesOptions(site);
      const text = await this.#dockerfileText(dockerfile, site);
      const lines = text ?? (spec as { lines: string[] }).lines.join('\n');
      const files = await dockerfileFiles(dockerfile, lines, options);
      if (text !== undefined) fields['text'] = text;
      if (files.length > 0) fields['context'] = await this.#archive(files, site);
    }
    if (functionText !== undefined) fields['sourceDigest'] = this.#sourceDigest(functionText, site);
    return Object.fromEntries(
      Object.entries(fields).filter(([, value]) => value !== undefined),
    ) as unknown as BaseStep | BuildStep;
  }

  async #dockerfileText(dockerfile: DockerfileDraft, site: SourceSite): Promise<string | undefined> {
    const options = this.#filesOptions(site);
    if (dockerfile.path === undefined) return undefined;
    const path = resolve(options.root, dockerfile.path);
    const file = await describeLocalFile(path, dockerfile.path).catch(() => undefined);
    const text = dockerfileText(dockerfile.path, options);
    if (file) this.#packed.take(file, site);
    this.#options.onFile(path);
    return text;
  }

  // The text that the engine keeps has passed the bundler, which may rename what it names.
  #sourceDigest(functionText: string, { file, line }: SourceSite): string {
    const text = this.#options.functionSources.get(`${file}:${line}`) ?? functionText;
    return `sha256-${createHash('sha256').update(text).digest('hex')}`;
  }

  #find(paths: readonly LocalPath[], site: SourceSite): Promise<ArchiveFile[]> {
    return findLocalFiles(paths, this.#filesOptions(site));
  }

  #filesOptions(site: SourceSite): LocalFilesOptions {
    const { project, askIgnored, onFolder } = this.#options;
    return { root: project.root, entry: project.entry, site, askIgnored, onFolder };
  }

  async #archive(files: readonly ArchiveFile[], site: SourceSite): Promise<FileRef> {
    const { onFile } = this.#options;
    for (const { path } of files) onFile(path);
    const draft = await this.#newDraft();
    await this.#packed.write(files, draft, site);
    const described = await describeFile(draft);
    return { path: await this.#name(draft, 'files', described.digest), ...described };
  }

  async #packages(spec: ImageSpec, image: EvaluatedImage): Promise<PackagesRef | undefined> {
    const draft = await this.#newDraft();
    const written = await this.#options.npm.write(spec, image, draft);
    if (written) return { path: await this.#name(draft, 'packages', written.digest), ...written };
    this.#drafts.delete(draft);
    return undefined;
  }

  async #newDraft(): Promise<string> {
    const draft = join(this.#options.outDir, `.files-${process.pid}-${(this.#count += 1)}.tar.gz`);
    this.#drafts.set(draft, draft);
    await mkdir(this.#options.outDir, { recursive: true });
    return draft;
  }

  /** The name that a draft will have; of drafts with one content one is kept. */
  async #name(draft: string, kind: 'files' | 'packages', digest: string): Promise<string> {
    const path = `${kind}-${digest.slice('sha256-'.length).slice(0, 16)}.tar.gz`;
    this.#drafts.delete(draft);
    if (this.#drafts.has(path)) await rm(draft);
    else this.#drafts.set(path, draft);
    return path;
  }
}
