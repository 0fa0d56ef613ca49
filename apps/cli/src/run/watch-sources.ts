import { existsSync, readdirSync, statSync, watch, type FSWatcher } from 'node:fs';
import path from 'node:path';

import type { WatchedPaths } from '../deploy/build-input.ts';

/** An editor's save may be several file system events. */
const QUIET_MS = 80;

export interface WatchOptions {
  /** Asked again after every change: a build may read other files than the one before. */
  watched: () => WatchedPaths;
  /** When the build began whose files these are: what was written since counts as changed. Unix milliseconds. */
  builtAtMs: number;
  signal: AbortSignal;
}

/**
 * Yields the changed files each time some of them changed and it has been quiet for a moment. A file that changes
 * while its change is being dealt with is in the next list, also if it was not watched yet.
 */
export async function* watchSources({ watched, builtAtMs, signal }: WatchOptions): AsyncGenerator<string[]> {
  const changes = new ChangeCollector(signal);
  let sinceMs = builtAtMs;
  while (!signal.aborted) {
    const watchers = changes.watch(watched(), sinceMs);
    const changed = await changes.next();
    for (const watcher of watchers) watcher.close();
    sinceMs = Date.now();
    if (changed.length > 0) yield changed;
  }
}

class ChangeCollector {
  readonly #signal: AbortSignal;
  readonly #changed = new Set<string>();
  /** What a file was like when it was last looked at. */
  readonly #known = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #wake: () => void = () => {};

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  watch({ files, folders }: WatchedPaths, sinceMs: number): FSWatcher[] {
    const watchers = watchedNames(files).entries();
    const ofFiles = [...watchers].map(([folder, names]) =>
      this.#watchFolder(folder, (name) => names.has(name)),
    );
    const ofFolders = folders
      .filter((folder) => existsSync(folder))
      .map((folder) => {
        const known = new Set(namesIn(folder));
        return this.#watchFolder(folder, (name) => !known.has(name) && !isOfEditor(name));
      });
    // What changed before anybody watched. The watchers are there first, so that nothing falls in between.
    for (const file of [...files, ...folders]) this.#compare(file, sinceMs);
    return [...ofFiles, ...ofFolders];
  }

  /** The files that changed since the last time, when there are some. */
  async next(): Promise<string[]> {
    while (this.#changed.size === 0 || this.#timer) {
      if (this.#signal.aborted) return [];
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const changed = [...this.#changed].sort();
    for (const file of changed) this.#known.set(file, stateOf(file).text);
    this.#changed.clear();
    return changed.map((file) => path.relative(process.cwd(), file));
  }

  // Folders are watched rather than files, because editors replace files.
  #watchFolder(folder: string, counts: (name: string) => boolean): FSWatcher {
    const watcher = watch(folder, (_event, name) => {
      if (name !== null && counts(name)) this.#note(path.join(folder, name));
    });
    // Such as of a folder that is gone: its files are seen to be gone when they are next looked at.
    return watcher.on('error', () => watcher.close());
  }

  #compare(file: string, sinceMs: number): void {
    const { text, changedMs } = stateOf(file);
    const before = this.#known.get(file);
    this.#known.set(file, text);
    if (before === undefined ? changedMs > sinceMs : before !== text) this.#note(file);
  }

  #note(file: string): void {
    this.#changed.add(file);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#wake();
    }, QUIET_MS);
  }
}

/** Names to look out for, by the folder that shows them: of files in folders that do not exist, the first one missing. */
function watchedNames(files: readonly string[]): Map<string, Set<string>> {
  const byFolder = new Map<string, Set<string>>();
  for (const file of files) {
    let folder = path.dirname(file);
    let name = path.basename(file);
    while (!existsSync(folder)) [folder, name] = [path.dirname(folder), path.basename(folder)];
    byFolder.set(folder, (byFolder.get(folder) ?? new Set()).add(name));
  }
  return byFolder;
}

function stateOf(file: string): { text: string; changedMs: number } {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) return { text: 'missing', changedMs: 0 };
  const text = stat.isDirectory() ? namesIn(file).join('\n') : `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
  return { text, changedMs: stat.mtimeMs };
}

function namesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !isOfEditor(name))
    .sort();
}

/** Files that editors keep beside the one that they write. */
function isOfEditor(name: string): boolean {
  return name.startsWith('.') || name.endsWith('~') || name.endsWith('.swp') || /^\d{4}$/.test(name);
}
