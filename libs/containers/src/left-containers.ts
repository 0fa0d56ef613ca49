import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { forgetSandbox } from './gvisor/gvisor-runtime.ts';
import { isAlive, OwnedRecords, type ProcessMark } from './owned-records.ts';
import { ProcessRecords } from './process-records.ts';
import { isRootless } from './rootless/user-namespace.ts';
import { cgroupLayout, ContainerCgroup, NO_CGROUPS } from './runc/cgroups.ts';
import { LateMounts, removeStaleLateMounts } from './runc/late-mounts.ts';
import { removeStaleMemoryFolders } from './runc/memory-folder.ts';

/** What a driver of an OCI runtime records of a container. */
export interface LeftContainer {
  directory: string;
  /** The process that all others of the container end with, once it runs. */
  init?: ProcessMark;
}

const KINDS = ['runc', 'gvisor'] as const;
type Kind = (typeof KINDS)[number];

/** Where records of a driver's containers are. */
export function recordsFolder(dataDir: string, kind: Kind): string {
  return join(dataDir, `${kind}-containers`);
}

/** A folder or a file for a container, where its driver keeps what it writes. */
export function filesOf(dataDir: string, kind: Kind, name: string): string {
  return join(dataDir, kind, name);
}

/** Where records of plain processes are. */
export function processRecordsFolder(dataDir: string): string {
  return join(dataDir, 'processes');
}

/**
 * Ends what workers that are gone have left of containers in this data folder, whichever driver they had: who starts the
 * next worker may choose another one.
 *
 * @returns How many it ended.
 */
export async function endLeftContainers(dataDir: string): Promise<number> {
  const processes = processRecordsFolder(dataDir);
  let ended = existsSync(processes) ? await new ProcessRecords(processes).reconcile() : 0;
  // Only root makes containers of an OCI runtime, or who is root in namespaces of an ordinary user.
  if (process.getuid?.() !== 0) return ended;
  const kinds = KINDS.filter((kind) => existsSync(recordsFolder(dataDir, kind)));
  for (const kind of kinds) ended += await endOciContainers(dataDir, kind);
  if (kinds.length > 0) {
    await removeStaleLateMounts();
    await removeStaleMemoryFolders();
  }
  return ended;
}

function endOciContainers(dataDir: string, kind: Kind): Promise<number> {
  const cgroups = isRootless() ? undefined : cgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'));
  const records = new OwnedRecords<LeftContainer>(recordsFolder(dataDir, kind));
  return records.reconcile(async ({ directory, init }, name) => {
    const isRunning = init !== undefined && isAlive(init);
    if (isRunning) process.kill(init.pid, 'SIGKILL');
    const group = new ContainerCgroup(cgroups ?? NO_CGROUPS, name);
    const killed = group.kill();
    await group.remove();
    await new LateMounts(name).remove().catch(() => undefined);
    forgetSandbox(name);
    await removeFolders([filesOf(dataDir, kind, name), directory]);
    return isRunning || killed > 0;
  });
}

/** Removes what nobody can use any more. What cannot be removed stays. */
export async function removeFolders(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  }
}
