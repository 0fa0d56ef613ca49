import { InvalidError } from './errors.ts';

/** Files are stored in pieces of this size: a change to a large file stores what changed. */
export const BLOCK_BYTES = 4 * 1024 * 1024;

/** What a path of a volume leads to. */
export type VolumeEntry = VolumeFile | VolumeDirectory | VolumeLink;

export interface VolumeFile {
  type: 'file';
  /** Permission bits, such as `0o644`. */
  mode: number;
  mtimeMs: number;
  sizeBytes: number;
  /** Digests (`sha256-…`) of its pieces of {@link BLOCK_BYTES}, the last one shorter; none for an empty file. */
  blocks: string[];
}

export interface VolumeDirectory {
  type: 'directory';
  mode: number;
  mtimeMs: number;
}

export interface VolumeLink {
  type: 'link';
  mtimeMs: number;
  /** As `readlink` gives it; never out of the volume. */
  target: string;
}

/**
 * One change of a volume. Directories above an entry are made where they are missing; whatever is of another kind in
 * its place goes, with all below it. Without an entry, what the path leads to is removed, with all below it.
 */
export interface VolumeChange {
  path: string;
  entry?: VolumeEntry | undefined;
}

/** A volume as the registry keeps it, under `volume.<id>`. */
export interface VolumeRecord {
  id: string;
  name: string;
  environment: string;
  createdAtMs: number;
  /** It has no name but its id, and goes when nobody holds it any more. */
  ephemeral?: true | undefined;
}

/** A volume as lists and lookups show it. */
export interface VolumeSummary extends VolumeRecord, Omit<VolumeHead, 'root'> {}

/** An entry as listings show it. */
export interface VolumeListing {
  path: string;
  type: VolumeEntry['type'];
  mtimeMs: number;
  /** 0 for what is no file. */
  sizeBytes: number;
  /** Of files and directories. */
  mode?: number | undefined;
  /** Of links. */
  target?: string | undefined;
}

/** Body of `POST /v1/volumes/<name>/commits`, as a frame of the codec: there may be many changes. */
export interface VolumeCommitRequest {
  changes: VolumeChange[];
  /** Replace files that are there. @defaultValue false */
  overwrite?: boolean | undefined;
}

/** The state of a volume that its next reader sees. */
export interface VolumeHead {
  /** Counts commits; 0 for a volume that nothing was written to. */
  version: number;
  /** Digest of the index of its tree; undefined while it is empty. */
  root?: string | undefined;
  /** Files, directories and links. */
  entries: number;
  sizeBytes: number;
  committedAtMs: number;
}

/** What a worker has mounted, under `volumeuse.<worker>`: its blocks stay. Renewed every {@link VERSIONS_RENEWED_MS}. */
export interface VersionsInUse {
  /** Digests of trees. */
  roots: string[];
  renewedAtMs: number;
}

export const VERSIONS_RENEWED_MS = 600_000;

/** Under `volumeblocks`: a blob of the store of volumes. */
export interface BlockNotes {
  digest: string;
}

export const VOLUME_LIMITS = {
  /** Files, directories and links of one volume. */
  entries: 500_000,
  nameBytes: 255,
  pathBytes: 4_095,
} as const;

/**
 * Brings a path of a volume into its one form, without slashes at its ends: `/a//b/` is `a/b`, the root is `''`.
 *
 * @throws InvalidError for `..`, names above 255 bytes, paths above 4,095, control characters, and text that is no
 * Unicode.
 */
export function volumePath(path: string): string {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  const form = names.join('/');
  const problem = problemOf(names, form);
  if (problem === undefined) return form;
  const shown = form.length > 200 ? `${form.slice(0, 200)}...` : form;
  throw new InvalidError(`the path ${JSON.stringify(shown)} cannot be in a volume: ${problem}`, {
    hint: 'Use names of 1 to 255 bytes without control characters, and paths of at most 4,095 bytes.',
  });
}

function problemOf(names: readonly string[], form: string): string | undefined {
  if (names.includes('..')) return 'it leads upwards';
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(form)) return 'it has a control character';
  if (/\p{Cs}/u.test(form)) return 'it is no Unicode text';
  if (utf8Bytes(form) > VOLUME_LIMITS.pathBytes) return 'it is too long';
  if (names.some((name) => utf8Bytes(name) > VOLUME_LIMITS.nameBytes)) return 'a name in it is too long';
  return undefined;
}

/**
 * Checks that a link stays in its volume.
 *
 * @throws InvalidError for an absolute target, or one that leads above the volume's root.
 */
export function assertLinkTarget(path: string, target: string): void {
  const depth = path.split('/').length - 1;
  const refuse = (problem: string): never => {
    throw new InvalidError(`the link ${JSON.stringify(path)} to ${JSON.stringify(target)} ${problem}`, {
      hint: 'Links of a volume are relative, and stay in it: they mean the same wherever it is mounted.',
    });
  };
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  if (target === '' || utf8Bytes(target) > VOLUME_LIMITS.pathBytes || /[\u0000-\u001f\u007f]/.test(target)) {
    refuse('has a target that no file system takes');
  }
  if (target.startsWith('/')) refuse('has an absolute target');
  let level = depth;
  for (const name of target.split('/')) {
    if (name === '..') level--;
    else if (name !== '' && name !== '.') level++;
    if (level < 0) refuse('leads out of the volume');
  }
}

function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
