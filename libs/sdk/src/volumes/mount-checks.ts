import { assertApart, InvalidError, type MountOfPath } from '@gantry/protocol';

/** What everything has that can be among `volumes`. */
export const VOLUME = Symbol.for('gantry.Volume');
/** What everything has that can be among `networkFileSystems`. */
export const NETWORK_FILE_SYSTEM = Symbol.for('gantry.NetworkFileSystem');

/** What a function, class or build step may have in its file system, by path. */
export interface MountOptions {
  volumes?: unknown;
  networkFileSystems?: unknown;
}

interface Mountable {
  toJSON(): MountOfPath;
}

/**
 * Checks the volumes and network file systems of a function, class or step, if there are any.
 *
 * @throws {@link InvalidError} for paths that cannot be, or are inside of each other, and for what is no volume.
 */
export function checkVolumes(subject: string, options: MountOptions): void {
  assertApart(subject, tablesOf(subject, options).flatMap(Object.keys));
}

/** What a manifest says about them; checks them first. */
export function mountsByPath(subject: string, options: MountOptions): Record<string, MountOfPath> {
  checkVolumes(subject, options);
  const entries = tablesOf(subject, options).flatMap((table) => Object.entries(table));
  return Object.fromEntries(entries.map(([path, mount]) => [path, mount.toJSON()]));
}

function tablesOf(
  subject: string,
  { volumes = {}, networkFileSystems = {} }: MountOptions,
): Record<string, Mountable>[] {
  assertTable(subject, volumes, {
    ...{ option: 'volumes', mark: VOLUME },
    ...{ what: 'Volume or CloudBucketMount', example: "Volume.fromName('models')" },
  });
  assertTable(subject, networkFileSystems, {
    ...{ option: 'networkFileSystems', mark: NETWORK_FILE_SYSTEM },
    ...{ what: 'NetworkFileSystem', example: "NetworkFileSystem.fromName('shared')" },
  });
  return [volumes, networkFileSystems];
}

function assertTable(
  subject: string,
  table: unknown,
  { option, mark, what, example }: { option: string; mark: symbol; what: string; example: string },
): asserts table is Record<string, Mountable> {
  if (typeof table !== 'object' || table === null || Array.isArray(table)) {
    throw new InvalidError(`${subject}: ${option} must be an object of paths and what is there`, {
      hint: `Write ${option}: { '/data': ${example} }.`,
    });
  }
  for (const [path, value] of Object.entries(table) as [string, unknown][]) {
    // Not by its class, which imports what this module is imported by.
    if (typeof value === 'object' && value !== null && mark in value) continue;
    throw new InvalidError(`${subject}: what is at "${path}" is no ${what}`, { hint: `Write ${example}.` });
  }
}
