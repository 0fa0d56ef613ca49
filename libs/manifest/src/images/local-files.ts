import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { SourceSite } from '@gantry/protocol';
import type { LocalPath } from 'gantry/internal';

import { toBuildError } from '../mistake.ts';
import { describeLocalFile, walkFolder, type Ignored, type Wanted } from './folder-walk.ts';

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

/** Which of these paths a rule of the app leaves out, and whether all in a folder that is left out is, too. */
export type AskIgnored = (rule: number, ...args: Parameters<Ignored>) => ReturnType<Ignored>;

export interface LocalFilesOptions {
  /** What relative paths are relative to. */
  root: string;
  /** Who added them, for messages. */
  site: SourceSite;
  askIgnored: AskIgnored;
}

/** A folder of which not everything may be wanted. */
export interface FolderPart {
  path: string;
  ignored: Ignored;
  wanted?: Wanted | undefined;
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
  const found: ArchiveFile[] = [];
  for (const local of paths) found.push(...(await filesOf(local, options)));
  return sortedByName(found);
}

/** Sorts files for an archive; of two with one name the later counts. */
export function sortedByName(files: readonly ArchiveFile[]): ArchiveFile[] {
  const byName = new Map(files.map((file) => [file.name, file]));
  return [...byName.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Finds the files of a folder, by their names below it. */
export async function findFolderFiles(
  { path, ignored, wanted }: FolderPart,
  options: Pick<LocalFilesOptions, 'root' | 'site'>,
): Promise<ArchiveFile[]> {
  const folder = resolve(options.root, path);
  const facts = await stat(folder).catch(() => undefined);
  if (!facts) throw missing('folder', path, options);
  if (!facts.isDirectory()) {
    throw mistake(options, `"${path}" is no folder`, 'Add it with addLocalFile.');
  }
  const outside = (name: string, target: string): Error =>
    mistake(
      options,
      `the link "${name}" in "${path}" leads to "${target}", out of the folder`,
      'Put a copy in its place, or leave it out with `ignore`.',
    );
  return await walkFolder({ folder, ignored, wanted, outside });
}

async function filesOf(local: LocalPath, options: LocalFilesOptions): Promise<ArchiveFile[]> {
  const { kind, path, name, ignore } = local;
  if (kind === 'folder') {
    const ignored: Ignored = (paths) =>
      ignore === undefined
        ? Promise.resolve({ ignored: [], prunes: true })
        : options.askIgnored(ignore, paths);
    const files = await findFolderFiles({ path, ignored }, options);
    return files.map((file) => ({ ...file, name: name === '' ? file.name : `${name}/${file.name}` }));
  }
  const file = resolve(options.root, path);
  const facts = await stat(file).catch(() => undefined);
  if (!facts) throw missing('file', path, options);
  if (!facts.isFile()) throw mistake(options, `"${path}" is no file`, 'Add it with addLocalDir.');
  return [await describeLocalFile(file, name)];
}

function missing(kind: string, path: string, options: Pick<LocalFilesOptions, 'root' | 'site'>): Error {
  const hint = `Check the path; it is taken relative to the project's folder, ${options.root}.`;
  return mistake(options, `the ${kind} "${path}" does not exist`, hint);
}

function mistake({ site }: Pick<LocalFilesOptions, 'site'>, what: string, hint: string): Error {
  return toBuildError([{ ...site, what, hint }]);
}
