import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

import { GantryError } from '@gantry/protocol';

import { serveDevice } from './fuse-session.ts';
import { LIMITS, type VersionServer } from './version-server.ts';

/** Kind of our mounts in the kernel's table. */
export const MOUNT_TYPE = 'fuse.gantry';
const DEVICE = '/dev/fuse';
const OPTIONS = 'rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions,ro,nosuid,nodev,noatime';

/** Why nothing can be mounted here, and what to do about it. */
export interface MountProblem {
  message: string;
  hint: string;
}

/**
 * What this machine lacks for mounts; undefined if nothing is known to be missing.
 *
 * @param isRoot - Whether a worker will be, if only of namespaces of its own.
 */
export function findMountProblem(isRoot = process.getuid?.() === 0): MountProblem | undefined {
  if (process.platform !== 'linux')
    return { message: 'FUSE needs Linux', hint: 'Files of volumes are copied instead.' };
  if (!isRoot) return { message: 'mounts need root', hint: 'Start the worker as root.' };
  const lacking = ['mount', 'umount'].find((name) => !hasProgram(name));
  if (lacking !== undefined)
    return { message: `there is no "${lacking}"`, hint: 'Run "apt-get install mount".' };
  try {
    closeSync(openSync(DEVICE, 'r+'));
    return undefined;
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    return {
      message: `${DEVICE} cannot be opened (${reason})`,
      hint: `Run "modprobe fuse", and "chmod 666 ${DEVICE}" for ordinary users; in a container, give it the device and CAP_SYS_ADMIN.`,
    };
  }
}

/** Whether it is on the path. */
export function hasProgram(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A mounted file system. */
export interface FuseMount {
  /** Resolves when nobody uses it any more, after {@link unmount}. */
  ended: Promise<void>;
  /** Takes it away from its place at once; who has files of it open keeps them. */
  unmount(): Promise<void>;
}

/**
 * Mounts a file system over a folder.
 *
 * @throws GantryError if the kernel refuses.
 */
export async function mountFuse(at: string, server: VersionServer): Promise<FuseMount> {
  const device = openSync(DEVICE, 'r+');
  try {
    const options = `fd=3,${OPTIONS},max_read=${LIMITS.maxReadBytes}`;
    await run('mount', ['-i', '-t', MOUNT_TYPE, '-o', options, 'gantry-volume', at], device);
  } catch (error) {
    closeSync(device);
    throw error;
  }
  const ended = serveDevice(device, server).finally(() => closeSync(device));
  await readAhead(at);
  return { ended, unmount: () => unmount(at) };
}

/** Takes a mount away from its place, also one whose program is gone. */
export function unmount(at: string): Promise<void> {
  return run('umount', ['--lazy', '--no-canonicalize', '--internal-only', at]);
}

/** Makes a folder a mount of its own, in which mounts are passed on to the mount namespaces that know it. */
export async function mountShared(at: string): Promise<void> {
  await run('mount', ['--bind', at, at]);
  await run('mount', ['--make-shared', at]);
}

/** The kernel reads ahead by 128 KiB unless it is told so here. */
async function readAhead(at: string): Promise<void> {
  const { dev: device } = await stat(at);
  // As stat packs them: minor in the low 8 bits and from 20, major from 8.
  const [major, minor] = [(device >>> 8) & 0xfff, (device & 0xff) | ((device >>> 12) & 0xfff00)];
  const setting = `/sys/class/bdi/${major}:${minor}/read_ahead_kb`;
  // Where /sys is read-only, reads are smaller.
  await writeFile(setting, String(LIMITS.maxReadahead / 1024)).catch(() => undefined);
}

async function run(program: string, args: readonly string[], device?: number): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe', device ?? 'ignore'] });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const [said, result] = await Promise.allSettled([text(child.stderr as Readable), ended]);
  if (result.status === 'fulfilled' && result.value[0] === 0) return;
  const cause = result.status === 'rejected' ? (result.reason as Error) : undefined;
  const reason = cause?.message ?? (said.status === 'fulfilled' ? said.value.trim() : '');
  throw new GantryError('UNAVAILABLE', `"${program}" failed: ${reason}`, {
    hint: 'Files of volumes can be copied instead, where nothing can be mounted.',
    cause,
  });
}
