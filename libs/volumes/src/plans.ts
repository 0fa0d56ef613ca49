import {
  GantryError,
  InvalidError,
  NotFoundError,
  type VolumeChange,
  type VolumeEntry,
  type VolumeFile,
  volumePath,
} from '@gantry/protocol';

import type { CommitPlan } from './volume-store.ts';
import type { PlacedEntry, VolumeTree } from './volume-tree.ts';

const MOST_LINKS = 40;

/**
 * Puts entries into a volume. What is there is replaced only with `overwrite`; a directory never, and nothing by one.
 *
 * @throws GantryError `CONFLICT` naming the path that is taken, or that is given twice, as a file and as a directory.
 */
export function uploadPlan(
  changes: readonly VolumeChange[],
  { overwrite }: { overwrite: boolean },
): CommitPlan {
  return async (tree) => {
    assertOneKind(changes);
    const directories = new Set<string>();
    for (const { path, entry } of changes) {
      const form = volumePath(path);
      if (entry) await assertDirectoriesAbove(tree, form, directories);
      const present = await tree.entry(form);
      if (!present || !entry || entry.type === 'directory') {
        if (present && entry && present.type !== 'directory') throw taken(path, 'is no directory');
        continue;
      }
      if (present.type === 'directory') throw taken(path, 'is a directory, which files do not replace');
      if (!overwrite) throw taken(path, 'exists already');
    }
    return changes;
  };
}

/** Of two changes that contradict each other the first would go without a word. */
function assertOneKind(changes: readonly VolumeChange[]): void {
  const files = new Set<string>();
  for (const { path, entry } of changes) if (entry && entry.type !== 'directory') files.add(volumePath(path));
  const above = new Set<string>();
  for (const { path, entry } of changes) {
    if (!entry) continue;
    for (let at = parentOf(volumePath(path)); at !== '' && !above.has(at); at = parentOf(at)) {
      if (files.has(at)) throw taken(at, 'is put as a file, and as a directory');
      above.add(at);
    }
    if (entry.type === 'directory' && files.has(volumePath(path)))
      throw taken(path, 'is put as a file, and as a directory');
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** What is above a path must be directories, or be missing: `known` were looked at before. */
async function assertDirectoriesAbove(tree: VolumeTree, path: string, known: Set<string>): Promise<void> {
  const names = path.split('/');
  for (let depth = 1; depth < names.length; depth++) {
    const above = names.slice(0, depth).join('/');
    if (known.has(above)) continue;
    const present = await tree.entry(above);
    if (present && present.type !== 'directory') throw taken(above, 'is no directory');
    known.add(above);
  }
}

/**
 * Removes a file or a link; a directory only with `recursive`.
 *
 * @throws NotFoundError, or InvalidError for a directory and for an empty path.
 */
export function removalPlan(path: string, { recursive }: { recursive: boolean }): CommitPlan {
  return async (tree) => {
    if (path === '') {
      throw new InvalidError('the path to be removed is empty', {
        hint: 'Give "/" if all that is in the volume is meant.',
      });
    }
    const form = volumePath(path);
    if (form === '' && recursive) return (await collect(tree.list())).map((entry) => ({ path: entry.path }));
    const present = await entryAt(tree, path);
    if (present.type === 'directory' && !recursive) {
      throw new InvalidError(`"${path}" is a directory`, {
        hint: 'Remove it with all in it: --recursive, { recursive: true } in programs.',
      });
    }
    return [{ path: form }];
  };
}

/**
 * Copies inside of a volume, as `cp` does: one to a path, or into a directory that is there; several into a directory. A
 * slash at the end of the target says that it is a directory, there or not. No contents are copied, only what leads to
 * them.
 *
 * @throws NotFoundError; InvalidError for directories, if not `recursive`, and several sources without a directory to go
 * to; GantryError `CONFLICT` for a file in place of a directory, and the other way round.
 */
export function copyPlan(
  sources: readonly string[],
  target: string,
  { recursive = false }: { recursive?: boolean } = {},
): CommitPlan {
  return async (tree) => {
    const to = volumePath(target);
    const isDirectory = to === '' || target.endsWith('/') || (await tree.entry(to))?.type === 'directory';
    if (sources.length !== 1 && !isDirectory) {
      throw new InvalidError(`"${target}" is no directory of the volume`, {
        hint: `Several are copied into a directory: end its path with a slash, "${target}/".`,
      });
    }
    const changes: VolumeChange[] = [];
    for (const source of sources) {
      const from = volumePath(source);
      const place = isDirectory ? joined(to, from.split('/').at(-1) ?? '') : to;
      changes.push(...(await copied(tree, { source, from, place, recursive })));
    }
    return uploadPlan(changes, { overwrite: true })(tree);
  };
}

async function copied(
  tree: VolumeTree,
  { source, from, place, recursive }: { source: string; from: string; place: string; recursive: boolean },
): Promise<VolumeChange[]> {
  const entry = await entryAt(tree, source);
  const isInside = from === '' || place.startsWith(`${from}/`);
  if (place === from || (entry.type === 'directory' && isInside))
    throw new InvalidError(`"${source}" cannot be copied to itself`);
  if (entry.type !== 'directory')
    return [{ path: place, entry: recursive ? entry : await fileAt(tree, source) }];
  if (!recursive)
    throw new InvalidError(`"${source}" is a directory`, {
      hint: 'Copy it with all in it: --recursive, { recursive: true } in programs.',
    });
  const changes: VolumeChange[] = [{ path: place, entry }];
  for await (const below of tree.walk(from)) {
    changes.push({ ...below, path: joined(place, below.path.slice(from.length + 1)) });
  }
  return changes;
}

/**
 * What a path leads to, without following a link there.
 *
 * @throws NotFoundError.
 */
export async function entryAt(tree: VolumeTree, path: string): Promise<VolumeEntry> {
  const form = volumePath(path);
  const entry = form === '' ? ROOT : await tree.entry(form);
  if (!entry)
    throw new NotFoundError(`"${path}" is not in the volume`, {
      hint: 'See what is in it: gantry volume ls, or listdir().',
    });
  return entry;
}

/**
 * The file that a path leads to, over any links.
 *
 * @throws NotFoundError, or InvalidError for a directory and for links that go round.
 */
export async function fileAt(tree: VolumeTree, path: string): Promise<VolumeFile> {
  let at = await throughLinks(tree, volumePath(path), path);
  let entry = await entryAt(tree, at);
  for (let links = 0; entry.type === 'link'; links++) {
    if (links === MOST_LINKS) throw new InvalidError(`the links at "${path}" lead in a circle`);
    at = await throughLinks(tree, resolved(at, entry.target), path);
    entry = await entryAt(tree, at);
  }
  if (entry.type === 'directory')
    throw new InvalidError(`"${path}" is a directory`, { hint: 'Name a file.' });
  return entry;
}

/** The path with the links among its directories followed. */
async function throughLinks(tree: VolumeTree, path: string, asked: string): Promise<string> {
  let names = path.split('/');
  let links = 0;
  for (let depth = 1; depth < names.length; depth++) {
    const above = names.slice(0, depth).join('/');
    const entry = await tree.entry(above);
    if (entry?.type !== 'link') continue;
    if (++links > MOST_LINKS) throw new InvalidError(`the links at "${asked}" lead in a circle`);
    names = [...resolved(above, entry.target).split('/'), ...names.slice(depth)].filter(
      (name) => name !== '',
    );
    depth = 0;
  }
  return names.join('/');
}

/** Where a link at a path leads; links never lead out of their volume. */
function resolved(path: string, target: string): string {
  const names = path.split('/').slice(0, -1);
  for (const name of target.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return names.join('/');
}

const ROOT: VolumeEntry = { type: 'directory', mode: 0o755, mtimeMs: 0 };

function joined(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

function taken(path: string, problem: string): GantryError {
  const hint = problem.startsWith('exists')
    ? 'Use another path, or replace it: --force, { force: true } in programs.'
    : problem.startsWith('is a directory')
      ? `End the path with a slash to put it in there: "${path}/". Or use another path.`
      : 'Use another path.';
  return new GantryError('CONFLICT', `"${path}" ${problem}`, { hint, details: { path } });
}

async function collect(entries: AsyncIterable<PlacedEntry>): Promise<PlacedEntry[]> {
  const all: PlacedEntry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}
