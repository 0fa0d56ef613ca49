import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Duplex, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import { ContainerError } from '@gantry/protocol';

import type { PrivateLink } from '../container-driver.ts';
import { CONTAINER_IDS } from '../container-ids.ts';
import { privateLinkWords } from '../private/private-link.ts';
import { handOver, type Pipes } from '../pipes.ts';
import type { ContainerCgroup } from './cgroups.ts';
import type { Network } from './network.ts';
import type { OciRuntime } from './oci-runtime.ts';
import { DISK_MOUNT_POINT, ROOT_MOUNT_POINT, shortPath } from './places.ts';
import type { RuntimeExit } from './runtime-end.ts';
import type { ContainerPids, Start, Starter } from './starter.ts';

const END_LIMIT_MS = 5_000;

/** Of any OCI runtime. */
export interface LaunchOptions<TRuntime> {
  runtime: TRuntime;
  group: ContainerCgroup;
  /** The container's name in the runtime and in cgroups. */
  name: string;
  /** Folder with `config.json`. */
  bundle: string;
  /** Folders, lowest first. */
  layers: readonly string[];
  /** For what it writes past its channel. */
  pipes: Pipes;
  /** To limit what is written: of {@link DiskImages}, to be copied. @defaultValue no limit */
  diskImage?: string | undefined;
  /** @defaultValue it reaches nothing */
  network?: Network | undefined;
}

/** A container that runs. */
export interface Launched {
  /** The other end is file 3 of its runner. */
  channel: Duplex;
  stdout: Readable;
  stderr: Readable;
  pids: ContainerPids;
  /** The end of the runtime, which is that of the container. */
  ended: Promise<RuntimeExit>;
}

/**
 * Starts a container, by its own mounts and then the runtime.
 *
 * @param upper - Where what it writes goes: a file to be made with a disk of its own, or else a folder.
 * @param privateLink - @defaultValue it is on no private network
 * @throws ContainerError if it could not be started, or got no network.
 */
export async function launch(
  options: LaunchOptions<OciRuntime> & {
    starter: Starter;
    upper: string;
    privateLink?: PrivateLink | undefined;
  },
): Promise<Launched> {
  const { runtime, group, name, bundle, network, privateLink, pipes, starter } = options;
  const [out, err] = await pipes.outputs();
  const pidFile = join(bundle, 'pid');
  const start = await starter.start([
    ...[out, err].map(({ theirs }) => `/proc/${process.pid}/fd/${theirs}`),
    ...[network?.router ?? '', String(network?.number ?? '')],
    ...[privateLink ? privateLinkWords(privateLink) : '', pidFile, runtime.groupFiles(group).join(' ')],
    ...[...mountWords(options), runtime.hiddenFolder],
    ...[...runtime.words, ...runtime.runWords, '--bundle', bundle, '--pid-file', pidFile, name],
  ]);
  const channel = await start.channel;
  handOver([out, err]);
  try {
    const pids = await pidsOf(start, err.ours);
    if (!channel) throw failedStart('');
    return { channel, stdout: out.ours, stderr: err.ours, pids, ended: start.ended };
  } catch (error) {
    channel?.destroy();
    throw error;
  }
}

/** Image of the disk, the file for it, where the disk is mounted, lower layers, and the root. */
function mountWords({
  layers,
  diskImage,
  upper,
}: Pick<LaunchOptions<unknown>, 'layers' | 'diskImage'> & { upper: string }): string[] {
  if (diskImage === undefined) {
    mkdirSync(upper);
    makeUpperFolders(upper);
  }
  // Overlayfs takes the highest first.
  const lower = layers.toReversed().map(shortPath).join(':');
  return diskImage === undefined
    ? ['', '', upper, lower, ROOT_MOUNT_POINT]
    : [diskImage, upper, DISK_MOUNT_POINT, lower, ROOT_MOUNT_POINT];
}

/** The two folders that overlayfs writes to. */
export function makeUpperFolders(place: string): void {
  for (const name of ['upper', 'work']) {
    mkdirSync(join(place, name), { mode: 0o755 });
    chownSync(join(place, name), CONTAINER_IDS.first, CONTAINER_IDS.first);
  }
}

/** The processes of a container, once they run and have their network. */
async function pidsOf(start: Start, stderr: Readable): Promise<ContainerPids> {
  const { pids, problem } = await start.running;
  if (pids && problem === '') return pids;
  const hasEnded = await Promise.race([
    start.ended.then(() => true),
    delay(END_LIMIT_MS, false, { ref: false }),
  ]);
  if (!pids) throw failedStart((hasEnded && (await text(stderr))) || problem);
  // One that has ended already needs no network: its end says more.
  if (hasEnded) return pids;
  throw new ContainerError(`a container got no network: ${problem.trim()}`);
}

/** What to do about an image whose first program cannot be started. */
export const UNSTARTABLE_IMAGE_HINT =
  "Look at what its entrypoint starts, and begin with an image that has the C library of the platform's Node, as Debian has it, or a Node of its own, from 22.12 on, as node:22-alpine has.";

/** The error for a container that could not be started, with what its runtime said. */
export function failedStart(reason: string, cause?: Error): ContainerError {
  const isOfImage = /^\[FATAL tini .*\] exec .* failed/.test(reason);
  return new ContainerError(
    `a container could not be started: ${reason.trim() || 'its runtime did not say why'}`,
    {
      hint: isOfImage
        ? UNSTARTABLE_IMAGE_HINT
        : 'If its image has an entrypoint, look at what that says; if not, "gantry doctor" says what the machine of the worker lacks.',
      cause,
    },
  );
}
