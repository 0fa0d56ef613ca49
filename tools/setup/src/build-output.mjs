import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Moves a finished build into the folder from which it runs. Programs that run there load chunks of their own build when
 * they first need them, so files of the build before this one stay until the next.
 *
 * Invariants
 *   O1. What a file imports is there before the file is: chunks go first, then the entries on top of the old ones, then pages.
 *   O2. All files of one build have one time, so a kept file is told by being older.
 *
 * @param {string} from Folder of the finished build, on the same file system; empty afterwards.
 * @param {string} to
 */
export async function placeBuild(from, to) {
  const [fresh, present] = [await filesBelow(from), await filesBelow(to)];
  const times = await Promise.all(present.map(async (path) => (await stat(join(to, path))).mtimeMs));
  const lastBuilt = Math.max(0, ...times);
  const now = new Date(Math.max(Date.now(), lastBuilt + 1));
  for (const path of fresh.sort(chunksFirst)) {
    await utimes(join(from, path), now, now);
    await mkdir(dirname(join(to, path)), { recursive: true });
    await rename(join(from, path), join(to, path));
  }
  const isFresh = new Set(fresh);
  const outdated = present.filter((path, index) => !isFresh.has(path) && times[index] < lastBuilt);
  await Promise.all(outdated.map((path) => rm(join(to, path), { force: true })));
}

// A hidden file is no part of a build.
async function filesBelow(folder, prefix = '') {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const visible = entries.filter(({ name }) => !name.startsWith('.'));
  const found = visible.map((entry) =>
    entry.isDirectory()
      ? filesBelow(join(folder, entry.name), `${prefix}${entry.name}/`)
      : [`${prefix}${entry.name}`],
  );
  return (await Promise.all(found)).flat();
}

function chunksFirst(a, b) {
  return rank(a) - rank(b);
}

function rank(path) {
  if (path.endsWith('.html')) return 2;
  return path.includes('/') ? 0 : 1;
}
