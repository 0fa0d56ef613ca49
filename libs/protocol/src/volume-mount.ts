import type { BucketMountSpec } from './bucket-mount.ts';
import { InvalidError } from './errors.ts';

/** A volume that a function's containers have, as manifests name it. */
export interface VolumeMountSpec {
  /** Where: absolute, or relative to the working directory, in the form of {@link mountPath}. */
  path: string;
  name: string;
  /** @defaultValue the environment of the app */
  environment?: string | undefined;
  /** The deploy makes it if there is none of the name. */
  createIfMissing?: true | undefined;
  readOnly?: true | undefined;
  /** A network file system: each call begins with what is in it, and what it wrote is in it when it has ended. */
  shared?: true | undefined;
  /** A directory of the volume that is shown instead of all. */
  subPath?: string | undefined;
}

/** A mount whose volume was found when the app was deployed; a later rename of the volume changes nothing. */
export interface VolumeMount extends VolumeMountSpec {
  volumeId: string;
  environment: string;
}

/** What programs and the platform need where it is. */
const WHOLE = ['/', '/boot', '/etc', '/home', '/lib', '/lib64', '/opt', '/root', '/tmp', '/usr', '/var'];
const BELOW = ['/bin', '/dev', '/opt/gantry', '/proc', '/run', '/sbin', '/sys', '/usr/bin', '/usr/lib'];

/**
 * Brings the place of a mount into its one form: without `.` and empty names, and without a slash at its end.
 *
 * @throws InvalidError for a path that leads upwards, is the working directory itself, or belongs to the system.
 */
export function mountPath(path: string): string {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  const form = `${path.startsWith('/') ? '/' : ''}${names.join('/')}`;
  const problem = problemOf(names, form);
  if (problem === undefined) return form;
  throw new InvalidError(`a volume cannot be at "${path}": ${problem}`, {
    hint: 'Use a path of its own, such as "/models", or "models" in the working directory.',
  });
}

function problemOf(names: readonly string[], form: string): string | undefined {
  if (names.includes('..')) return 'the path leads upwards';
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  if (/[\u0000-\u001f\u007f:,\\]/.test(form)) return 'the path has a character that mounts do not take';
  if (names.length === 0 && form === '') return 'that is the working directory itself';
  const isSystem = BELOW.some((folder) => form === folder || form.startsWith(`${folder}/`));
  return isSystem || WHOLE.includes(form) ? 'the system needs what is there' : undefined;
}

/**
 * Brings the places of a function's mounts into their form.
 *
 * @throws InvalidError naming `subject` if two of them are the same, or one is inside of another.
 */
export function assertApart(subject: string, paths: readonly string[]): void {
  const sorted = paths.map(mountPath).sort();
  for (const [index, path] of sorted.entries()) {
    const other = sorted.find((each, at) => at !== index && (each === path || each.startsWith(`${path}/`)));
    if (other === undefined) continue;
    const problem = other === path ? `two volumes are at "${path}"` : `"${other}" is inside of "${path}"`;
    throw new InvalidError(`${subject}: ${problem}`, { hint: 'Give each volume a path of its own.' });
  }
}

/** What a user's code has at one path. */
export type MountOfPath = Omit<VolumeMountSpec, 'path'> | Omit<BucketMountSpec, 'path'>;

/** Volumes and buckets apart, in the order of their paths: the code has both in one table, as they share these. */
export function mountLists(given: Readonly<Record<string, MountOfPath>> = {}): {
  volumes?: VolumeMountSpec[];
  buckets?: BucketMountSpec[];
} {
  const paths = Object.keys(given).sort((left, right) => (mountPath(left) < mountPath(right) ? -1 : 1));
  const [volumes, buckets]: [VolumeMountSpec[], BucketMountSpec[]] = [[], []];
  for (const key of paths) {
    const [path, mount] = [mountPath(key), given[key]];
    if (mount && 'bucket' in mount) buckets.push({ path, ...mount });
    else if (mount) volumes.push({ path, ...mount });
  }
  return { ...(volumes.length > 0 && { volumes }), ...(buckets.length > 0 && { buckets }) };
}
