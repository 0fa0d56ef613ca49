import { spawn, type ChildProcess } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import { ContainerError } from '@gantry/protocol';

import { CONTAINER_IDS } from '../container-ids.ts';
import { handOver, type Pipes } from '../pipes.ts';
import type { ContainerCgroup } from './cgroups.ts';
import type { OciRuntime } from './oci-runtime.ts';
import type { Network } from './network.ts';
import { ROOT_MOUNT_POINT, shortPath } from './places.ts';
import { START_SCRIPT, systemCalls } from './start-script.ts';

const END_LIMIT_MS = 5_000;

/** Of any OCI runtime. */
export interface LaunchOptions<TRuntime> {
  runtime: TRuntime;
  group: ContainerCgroup;
  /** The container's name in the runtime and in cgroups. */
  name: string;
  /** Folder with `config.json`; gets what the container writes. */
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

/** A container on its way, with what it writes. */
export interface Launched {
  child: ChildProcess;
  stdout: Readable;
  stderr: Readable;
  /** What {@link START_SCRIPT} says of it. */
  report: Readable;
}

/**
 * Starts a container and stays its parent. Its own mounts, and then the runtime, in one chain of programs: no process
 * waits for another but the runtime for the container.
 */
export async function launch(options: LaunchOptions<OciRuntime>): Promise<Launched> {
  const { runtime, group, name, bundle, layers, diskImage, network, pipes } = options;
  const place = join(bundle, 'disk');
  mkdirSync(place);
  if (diskImage === undefined) makeUpperFolders(place);
  // Overlayfs takes the highest first.
  const lower = layers.toReversed().map(shortPath).join(':');
  const pidFile = join(bundle, 'pid');
  const files = ['--bundle', bundle, '--pid-file', pidFile, name];
  const [out, err] = await pipes.outputs();
  const child = spawn(
    'perl',
    [
      ...['-e', START_SCRIPT, '--', systemCalls ?? '', diskImage ?? '', place, lower, ROOT_MOUNT_POINT],
      ...[runtime.hiddenFolder, runtime.groupFiles(group).join(' ')],
      ...[network?.router ?? '', String(network?.number ?? ''), pidFile],
      ...[...runtime.words, ...runtime.runWords, ...files],
    ],
    {
      // A session of its own: Ctrl-C in the terminal of the worker is the worker's to pass on.
      detached: true,
      // Perl takes a quarter longer to start with a language to be loaded.
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
      stdio: ['ignore', out.theirs, err.theirs, 'pipe', 'pipe'],
    },
  );
  handOver([out, err]);
  return { child, stdout: out.ours, stderr: err.ours, report: child.stdio[4] as Readable };
}

/** The two folders that overlayfs writes to. */
export function makeUpperFolders(place: string): void {
  for (const name of ['upper', 'work']) {
    mkdirSync(join(place, name), { mode: 0o755 });
    chownSync(join(place, name), CONTAINER_IDS.first, CONTAINER_IDS.first);
  }
}

/** The first process of a container, and the runner that it started. */
export interface ContainerPids {
  init: number;
  runner: number;
}

/**
 * The processes of a container, once they run and have their network.
 *
 * @throws ContainerError if the container could not be started, or got no network.
 */
export async function startedPids({ child, stderr, report }: Launched): Promise<ContainerPids> {
  let cause: Error | undefined;
  child.once('error', (error) => (cause = error));
  const [, init, runner, problem] = /^(\d+) (\d+) ([^]*)$/.exec(await text(report)) ?? [];
  const pids = { init: Number(init), runner: Number(runner) };
  if (problem === '') return pids;
  const hasEnded = await ends(child);
  if (problem === undefined) throw failedStart(cause?.message ?? (hasEnded ? await text(stderr) : ''), cause);
  // One that has ended already needs no network: its end says more.
  if (hasEnded) return pids;
  throw new ContainerError(`a container got no network: ${problem.trim()}`);
}

/** Whether a process ends that is expected to. */
async function ends(child: ChildProcess): Promise<boolean> {
  const runs = (): boolean => child.exitCode === null && child.signalCode === null;
  if (runs()) await Promise.race([once(child, 'exit'), delay(END_LIMIT_MS)]);
  return !runs();
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
        : 'The operator of the worker can see what this machine lacks with "gantry doctor".',
      cause,
    },
  );
}
