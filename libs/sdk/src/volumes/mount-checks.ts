import { assertApart, InvalidError } from '@gantry/protocol';

/** What everything has that can be among `volumes`. */
export const VOLUME = Symbol.for('gantry.Volume');

/**
 * Checks the volumes of a function or class, if there are any.
 *
 * @throws {@link InvalidError} for paths that cannot be, or are inside of each other, and for what is no volume.
 */
export function checkVolumes(subject: string, volumes: unknown): void {
  if (volumes === undefined) return;
  if (typeof volumes !== 'object' || volumes === null || Array.isArray(volumes)) {
    throw new InvalidError(`${subject}: volumes must be an object of paths and volumes`, {
      hint: "Write volumes: { '/models': Volume.fromName('models') }.",
    });
  }
  for (const [path, volume] of Object.entries(volumes)) {
    if (isVolume(volume)) continue;
    throw new InvalidError(`${subject}: what is at "${path}" is no Volume or CloudBucketMount`, {
      hint: "Write Volume.fromName('models').",
    });
  }
  assertApart(subject, Object.keys(volumes));
}

// Not by its class, which imports what this module is imported by.
function isVolume(value: unknown): boolean {
  return typeof value === 'object' && value !== null && VOLUME in value;
}
