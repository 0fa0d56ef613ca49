/** Brings folders to disk: all that wait while others are under way go together, as the disk waits once for them. */
export class FolderSyncs {
  readonly #sync: (folder: string) => Promise<void>;
  #next: { folders: Set<string>; done: Promise<void> } | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(sync: (folder: string) => Promise<void>) {
    this.#sync = sync;
  }

  /** What is in the folders now is on disk when this resolves. */
  sync(folders: readonly string[]): Promise<void> {
    this.#next ??= this.#plan();
    for (const folder of folders) this.#next.folders.add(folder);
    return this.#next.done;
  }

  #plan(): { folders: Set<string>; done: Promise<void> } {
    const folders = new Set<string>();
    const done = this.#last.then(async () => {
      this.#next = undefined;
      await Promise.all([...folders].map((folder) => this.#sync(folder)));
    });
    this.#last = done.catch(() => undefined);
    return { folders, done };
  }
}
