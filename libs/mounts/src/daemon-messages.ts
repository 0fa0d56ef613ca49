import type { WireError } from '@gantry/protocol';

/** What to mount: a version of a volume. */
export interface VersionToMount {
  /** Digest of its tree; undefined for an empty volume. */
  root: string | undefined;
  /** User and group of its files, as this machine counts them. */
  ownerId: number;
}

/** Of a mount daemon: one waits at the device of each mount, some work. */
export const THREADS = 256;

/** From a worker to its mount daemon. */
export type DaemonRequest =
  | { type: 'start'; setup: unknown }
  | { type: 'mount'; id: number; at: string; version: VersionToMount }
  | { type: 'unmount'; id: number; at: string };

/** From a mount daemon to its worker. */
export type DaemonReply =
  | { type: 'done'; id: number }
  | { type: 'failed'; id: number; error: WireError }
  | { type: 'warning'; message: string };
