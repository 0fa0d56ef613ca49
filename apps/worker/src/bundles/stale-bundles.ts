import { randomBytes } from 'node:crypto';
import { readdir, readlink, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** How long a bundle that no container opened is kept. */
const KEPT_MS = 7 * 24 * 3_600_000;

/**
 * Removes bundles and packages that were last opened a week ago or earlier, and drafts that a killed worker left
 * behind. To be called while no container runs.
 *
 * Invariants
 *   S1. Packages stay as long as a bundle that links to them.
 *   S2. A folder whose removal is interrupted is a draft: what has its own name is whole.
 */
export async function removeStaleBundles(folder: string, nowMs: number): Promise<number> {
  const [bundles, packages] = [join(folder, 'bundles'), join(folder, 'packages')];
  const removed = await removeStale(bundles, nowMs, new Set());
  return removed + (await removeStale(packages, nowMs, await linkedPackages(bundles)));
}

async function removeStale(folder: string, nowMs: number, inUse: ReadonlySet<string>): Promise<number> {
  let removed = 0;
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    if (inUse.has(name) || nowMs - (await stat(path)).mtimeMs < KEPT_MS) continue;
    await remove(path);
    removed++;
  }
  return removed;
}

async function remove(path: string): Promise<void> {
  const draft = path.endsWith('.draft') ? path : `${path}.${randomBytes(6).toString('hex')}.draft`;
  if (draft !== path) await rename(path, draft);
  await rm(draft, { recursive: true, force: true });
}

/** Digests of the packages that bundles use. */
async function linkedPackages(bundles: string): Promise<ReadonlySet<string>> {
  const links = (await namesIn(bundles)).map((name) =>
    readlink(join(bundles, name, 'node_modules')).catch(() => undefined),
  );
  const targets = (await Promise.all(links)).filter((target) => target !== undefined);
  return new Set(targets.map((target) => basename(dirname(target))));
}

async function namesIn(folder: string): Promise<string[]> {
  // Absent before the first container.
  return readdir(folder).catch(() => []);
}
