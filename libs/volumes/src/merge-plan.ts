import { type VolumeChange, volumePath } from '@gantry/protocol';

import type { CommitPlan } from './volume-store.ts';
import type { VolumeTree } from './volume-tree.ts';

/**
 * Brings what changed in a copy of a volume into the volume as it is now: at each path the change counts, whatever others
 * did there. A directory that is removed stays if it has what the changes do not remove: the copy never knew of it.
 */
export function mergePlan(changes: readonly VolumeChange[]): CommitPlan {
  const removals = changes.filter(({ entry }) => !entry);
  const gone = new Set(removals.map(({ path }) => volumePath(path)));
  return async (tree) => {
    const merged: VolumeChange[] = [];
    for (const path of gone) {
      const present = await tree.entry(path);
      if (!present) continue;
      if (present.type === 'directory' && (await hasOthers(tree, path, gone))) continue;
      merged.push({ path });
    }
    return [...merged, ...changes.filter(({ entry }) => entry)];
  };
}

async function hasOthers(tree: VolumeTree, directory: string, gone: ReadonlySet<string>): Promise<boolean> {
  for await (const { path } of tree.walk(directory)) if (!gone.has(path)) return true;
  return false;
}
