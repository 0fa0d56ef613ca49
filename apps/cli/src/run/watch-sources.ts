import { watch, type FSWatcher } from 'node:fs';
import path from 'node:path';

/** An editor's save may be several file system events. */
const QUIET_MS = 80;

/**
 * Yields the changed files each time some of the sources changed and it has been quiet for a moment. Folders are
 * watched rather than files, because editors replace files.
 *
 * @param files - Asked again after every change: a build may read other files than the one before.
 */
export async function* watchSources(
  files: () => readonly string[],
  signal: AbortSignal,
): AsyncGenerator<string[]> {
  const changes = new ChangeCollector(signal);
  while (!signal.aborted) {
    const watchers = changes.watch(files());
    const changed = await changes.next();
    if (changed.length > 0) yield changed;
    for (const watcher of watchers) watcher.close();
  }
}

class ChangeCollector {
  readonly #signal: AbortSignal;
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #wake: () => void = () => {};

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  watch(files: readonly string[]): FSWatcher[] {
    const folders = new Set(files.map((file) => path.dirname(file)));
    return [...folders].map((folder) => {
      const names = new Set(
        files.filter((file) => path.dirname(file) === folder).map((file) => path.basename(file)),
      );
      return watch(folder, (_event, name) => {
        if (name === null || names.has(name)) this.#note(path.join(folder, name ?? ''));
      });
    });
  }

  /** The files that changed since the last time, when there are some. */
  async next(): Promise<string[]> {
    while (this.#changed.size === 0 || this.#timer) {
      if (this.#signal.aborted) return [];
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const changed = [...this.#changed].map((file) => path.relative(process.cwd(), file));
    this.#changed.clear();
    return changed;
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
