import { stat } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';

import type { SourceSite } from '@gantry/protocol';
import type { LocalPath } from 'gantry/internal';

import { InstalledPackages } from '../installed-packages.ts';
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
  /** The file that finds packages of the workspace. */
  entry: string;
  /** Who added them, for messages. */
  site: SourceSite;
  askIgnored: AskIgnored;
  /** Told of each folder in which it looks for files; absolute. */
  onFolder(path: string): void;
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
  options: Pick<LocalFilesOptions, 'root' | 'site' | 'onFolder'>,
): Promise<ArchiveFile[]> {
  const folder = resolve(options.root, path);
  const facts = await stat(folder).catch(() => undefined);
  if (!facts) {
    options.onFolder(folder);
    throw missing('folder', path, options);
  }
  if (!facts.isDirectory()) {
    throw mistake(options, `"${path}" is no folder`, 'Add it with addLocalFile.');
  }
  const outside = (name: string, target: string): Error =>
    mistake(
      options,
      `the link "${name}" in "${path}" leads to "${target}", out of the folder`,
      'Put a copy in its place, or leave it out with `ignore`.',
    );
  return await walkFolder({ folder, ignored, wanted, outside, onFolder: options.onFolder });
}

async function filesOf(local: LocalPath, options: LocalFilesOptions): Promise<ArchiveFile[]> {
  const { kind, path, name, ignore, hint } = local;
  if (kind === 'folder') {
    const ignored: Ignored = (paths) =>
      ignore === undefined
        ? Promise.resolve({ ignored: [], prunes: true })
        : options.askIgnored(ignore, paths);
    const files = await findFolderFiles({ path, ignored }, options);
    return files.map((file) => ({ ...file, name: name === '' ? file.name : `${name}/${file.name}` }));
  }
  if (kind === 'source') return await sourcesOf(local, options);
  const file = resolve(options.root, path);
  const facts = await stat(file).catch(() => undefined);
  if (!facts) {
    options.onFolder(dirname(file));
    if (hint !== undefined) throw mistake(options, `the file "${path}" does not exist`, hint);
    throw missing('file', path, options);
  }
  if (!facts.isFile()) throw mistake(options, `"${path}" is no file`, 'Add it with addLocalDir.');
  return [await describeLocalFile(file, name)];
}

/** A package of the workspace under `sources/`, with a link in `node_modules` by which programs beside it find it. */
async function sourcesOf(
  { path: name, ignore }: LocalPath,
  options: LocalFilesOptions,
): Promise<ArchiveFile[]> {
  const found = new InstalledPackages().find(name, dirname(options.entry));
  if (!found || found.root.includes(`${sep}node_modules${sep}`)) {
    const what = found ? `"${name}" is an installed package` : `the workspace has no package "${name}"`;
    throw mistake(options, what, found ? 'Add it with npmInstall.' : 'Check the name in its package.json.');
  }
  const isKept = (path: string): boolean =>
    path.split('/').every((part) => !part.startsWith('.') && part !== 'node_modules');
  const files = await findFolderFiles(
    {
      path: found.root,
      ignored: (paths) => options.askIgnored(ignore ?? 0, paths),
      wanted: { takes: isKept, leadsTo: isKept },
    },
    options,
  );
  const linkTarget = `${'../'.repeat(name.split('/').length)}sources/${name}`;
  const link = { name: `node_modules/${name}`, path: found.root, linkTarget };
  return [
    ...files.map((file) => ({ ...file, name: `sources/${name}/${file.name}` })),
    { ...link, executable: false, sizeBytes: 0, modifiedMs: 0 },
  ];
}

function missing(kind: string, path: string, options: Pick<LocalFilesOptions, 'root' | 'site'>): Error {
  const hint = `Check the path; it is taken relative to the project's folder, ${options.root}.`;
  return mistake(options, `the ${kind} "${path}" does not exist`, hint);
}

function mistake({ site }: Pick<LocalFilesOptions, 'site'>, what: string, hint: string): Error {
  return toBuildError([{ ...site, what, hint }]);
}
