import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';

import { NotFoundError } from '@gantry/protocol';

import { UsageError } from '../usage-error.ts';

/** What `gantry deploy` and its kin were pointed at. */
export type BuildInput =
  /** Sources to build. */
  | { type: 'source'; entry: string }
  /** A folder with a `manifest.json` that was built before. */
  | { type: 'built'; folder: string };

const MANIFEST = 'manifest.json';
const USUAL_ENTRIES = ['src/app.ts', 'app.ts', 'src/index.ts', 'src/main.ts'];

/**
 * Finds the entry module: the file itself, or in a folder what `package.json` names under `gantry.entry`, else the
 * usual places. A folder with a `manifest.json` is taken as built.
 *
 * @throws NotFoundError if there is none.
 */
export function findEntry(given: string, cwd: string): BuildInput {
  if (given === '')
    throw new UsageError('the entry is missing', { hint: 'Name a file or a project folder.' });
  const target = path.resolve(cwd, given);
  const kind = kindOf(target);
  if (kind === 'file') return { type: 'source', entry: target };
  if (kind === undefined) {
    throw new NotFoundError(`the file "${given}" does not exist`, { hint: 'Check the path of the entry.' });
  }
  if (kindOf(path.join(target, MANIFEST)) === 'file') return { type: 'built', folder: target };
  const candidates = [declaredEntry(target), ...USUAL_ENTRIES].filter((file) => file !== undefined);
  const entry = candidates.map((file) => path.join(target, file)).find((file) => kindOf(file) === 'file');
  if (entry) return { type: 'source', entry };
  throw new NotFoundError(`the folder "${given}" has no entry`, {
    hint: 'Name the file, or put { "gantry": { "entry": "src/app.ts" } } into its package.json.',
  });
}

/** The nearest folder above a file that has a `package.json`. */
export function projectRootOf(file: string): string {
  const start = path.dirname(file);
  for (let folder = start; ; folder = path.dirname(folder)) {
    if (kindOf(path.join(folder, 'package.json')) === 'file') return folder;
    if (path.dirname(folder) === folder) return start;
  }
}

function kindOf(file: string): 'file' | 'folder' | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return 'folder';
  return stat?.isFile() ? 'file' : undefined;
}

function declaredEntry(folder: string): string | undefined {
  const file = path.join(folder, 'package.json');
  if (kindOf(file) !== 'file') return undefined;
  const json = JSON.parse(readFileSync(file, 'utf8')) as { gantry?: { entry?: string } };
  return json.gantry?.entry;
}
