import type { OpenFolder } from './open-folder.ts';
import type { FoundEntry } from './volume-view.ts';

/** All below a folder, each directory before what is in it. */
export async function* walkAll(folder: OpenFolder, path = ''): AsyncGenerator<FoundEntry> {
  for (const name of await folder.names()) {
    const stats = await folder.stat(name);
    if (!stats) continue;
    const below = path === '' ? name : `${path}/${name}`;
    yield { path: below, stats, folder, name };
    if (!stats.isDirectory()) continue;
    await using inner = await folder.folder(name);
    if (inner) yield* walkAll(inner, below);
  }
}
