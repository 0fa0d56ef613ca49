import { readdir, readlink, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, relative, resolve, sep } from 'node:path';

import type { SourceSite } from '@gantry/protocol';
import type { LocalPath } from 'gantry/internal';

import { toBuildError } from '../mistake.ts';

/** A file or link of this machine on its way into an archive. */
export interface ArchiveFile {
  /** Path in the archive. */
  name: string;
  /** Absolute path. */
  path: string;
  /** What a link says; undefined for files. */
  linkTarget?: string | undefined;
  executable: boolean;
  sizeBytes: number;
  modifiedMs: number;
}

/** Which of these paths a rule leaves out, and whether all in a folder that is left out is, too. */
export type AskIgnored = (
  rule: number,
  paths: readonly string[],
) => Promise<{ ignored: boolean[]; prunes: boolean }>;

export interface LocalFilesOptions {
  /** What relative paths are relative to. */
  root: string;
  /** Who added them, for messages. */
  site: SourceSite;
  askIgnored: AskIgnored;
}

/**
 * Finds the files behind local paths, sorted by their names in the archive; of two with one name the later counts.
 *
 * @throws BuildError for paths that lead nowhere, and for links that lead out of their folder.
 */
export async function findLocalFiles(
  paths: readonly LocalPath[],
  options: LocalFilesOptions,
): Promise<ArchiveFile[]> {
  const found = new Map<string, ArchiveFile>();
  for (const local of paths) {
    for (const file of await filesOf(local, options)) found.set(file.name, file);
  }
  return [...found.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

async function filesOf(local: LocalPath, options: LocalFilesOptions): Promise<ArchiveFile[]> {
  const path = resolve(options.root, local.path);
  const facts = await stat(path).catch(() => undefined);
  const kind = local.kind === 'file' ? 'file' : 'folder';
  if (!facts) {
    const hint = `Check the path; it is taken relative to the project's folder, ${options.root}.`;
    throw mistake(options, `the ${kind} "${local.path}" does not exist`, hint);
  }
  if (local.kind === 'folder') {
    if (facts.isDirectory()) return await new FolderWalk(path, local, options).files();
    throw mistake(options, `"${local.path}" is no folder`, 'Add it with addLocalFile.');
  }
  if (facts.isFile()) return [{ ...describe(facts), name: local.name, path }];
  throw mistake(options, `"${local.path}" is no file`, 'Add it with addLocalDir.');
}

class FolderWalk {
  readonly #folder: string;
  readonly #local: LocalPath;
  readonly #options: LocalFilesOptions;

  constructor(folder: string, local: LocalPath, options: LocalFilesOptions) {
    this.#folder = folder;
    this.#local = local;
    this.#options = options;
  }

  async files(at = ''): Promise<ArchiveFile[]> {
    const entries = await readdir(join(this.#folder, at), { withFileTypes: true });
    const paths = entries.map(({ name }) => (at === '' ? name : `${at}/${name}`));
    const { ignored, prunes } = await this.#ignored(paths);
    const found: ArchiveFile[] = [];
    for (const [index, entry] of entries.entries()) {
      const path = paths[index] ?? '';
      const isIgnored = ignored[index] === true;
      if (entry.isDirectory() && !(isIgnored && prunes)) found.push(...(await this.files(path)));
      if (isIgnored) continue;
      if (entry.isFile()) found.push(await this.#file(path));
      else if (entry.isSymbolicLink()) found.push(await this.#link(path));
    }
    return found;
  }

  async #ignored(paths: string[]): Promise<{ ignored: boolean[]; prunes: boolean }> {
    const { ignore } = this.#local;
    if (ignore === undefined || paths.length === 0) return { ignored: [], prunes: true };
    return await this.#options.askIgnored(ignore, paths);
  }

  async #file(path: string): Promise<ArchiveFile> {
    const file = join(this.#folder, path);
    return { ...describe(await stat(file)), name: this.#nameOf(path), path: file };
  }

  async #link(path: string): Promise<ArchiveFile> {
    const link = join(this.#folder, path);
    const target = await readlink(link);
    const way = relative(this.#folder, resolve(dirname(link), normalize(target)));
    if (isAbsolute(target) || way === '..' || way.startsWith(`..${sep}`)) {
      const what = `the link "${path}" in "${this.#local.path}" leads to "${target}", out of the folder`;
      throw mistake(this.#options, what, 'Put a copy in its place, or leave it out with `ignore`.');
    }
    const nothing = { executable: false, sizeBytes: 0, modifiedMs: 0 };
    return { ...nothing, name: this.#nameOf(path), path: link, linkTarget: target.split(sep).join('/') };
  }

  #nameOf(path: string): string {
    return this.#local.name === '' ? path : `${this.#local.name}/${path}`;
  }
}

function describe(facts: {
  mode: number;
  size: number;
  mtimeMs: number;
}): Pick<ArchiveFile, 'executable' | 'sizeBytes' | 'modifiedMs'> {
  return { executable: (facts.mode & 0o100) !== 0, sizeBytes: facts.size, modifiedMs: facts.mtimeMs };
}

function mistake({ site }: LocalFilesOptions, what: string, hint: string): Error {
  return toBuildError([{ ...site, what, hint }]);
}
