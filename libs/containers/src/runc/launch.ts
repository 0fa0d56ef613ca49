import { spawn, type ChildProcess } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { chownSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import { ContainerError } from '@gantry/protocol';

import { CONTAINER_IDS } from '../container-ids.ts';
import { handOver, type Pipes } from '../pipes.ts';
import type { ContainerCgroup } from './cgroups.ts';
import type { OciRuntime } from './oci-runtime.ts';
import { ROOT_MOUNT_POINT, shortPath } from './places.ts';
import { START_SCRIPT, systemCalls } from './start-script.ts';

const PID_POLL_MS = 2;

export interface LaunchOptions {
  runtime: OciRuntime;
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
}

/** A container on its way, with what it writes. */
export interface Launched {
  child: ChildProcess;
  stdout: Readable;
  stderr: Readable;
}

/**
 * Starts a container and stays its parent. Its own mounts, and then the runtime, in one chain of programs: no process
 * waits for another but the runtime for the container.
 */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const { runtime, group, name, bundle, layers, diskImage, pipes } = options;
  const place = join(bundle, 'disk');
  mkdirSync(place);
  if (diskImage === undefined) makeUpperFolders(place);
  // Overlayfs takes the highest first.
  const lower = layers.toReversed().map(shortPath).join(':');
  const files = ['--bundle', bundle, '--pid-file', join(bundle, 'pid'), name];
  const [out, err] = await pipes.outputs();
  const child = spawn(
    'perl',
    [
      ...['-e', START_SCRIPT, '--', systemCalls ?? '', diskImage ?? '', place, lower, ROOT_MOUNT_POINT],
      ...[runtime.hiddenFolder, runtime.groupFiles(group).join(' ')],
      ...[...runtime.words, ...runtime.runWords, ...files],
    ],
    // A session of its own: Ctrl-C in the terminal of the worker is the worker's to pass on.
    { detached: true, stdio: ['ignore', out.theirs, err.theirs, 'pipe'] },
  );
  handOver([out, err]);
  return { child, stdout: out.ours, stderr: err.ours };
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
 * The processes of a container, once they run.
 *
 * @throws ContainerError if the container could not be started.
 */
export async function startedPids({ child, stderr }: Launched, bundle: string): Promise<ContainerPids> {
  let cause: Error | undefined;
  child.once('error', (error) => (cause = error));
  const pidFile = join(bundle, 'pid');
  for (;;) {
    // Looking first costs a tenth of an error, dozens of times.
    const init = existsSync(pidFile) ? readNumber(pidFile) : undefined;
    const runner = init && readNumber(`/proc/${init}/task/${init}/children`);
    if (init && runner) return { init, runner };
    if (cause) throw failedStart(cause.message, cause);
    if (child.exitCode !== null || child.signalCode !== null) throw failedStart((await text(stderr)).trim());
    await delay(PID_POLL_MS);
  }
}

/** The first number in a file; undefined as long as there is none. */
function readNumber(path: string): number | undefined {
  try {
    return parseInt(readFileSync(path, 'latin1'), 10) || undefined;
  } catch {
    return undefined;
  }
}

function failedStart(reason: string, cause?: Error): ContainerError {
  return new ContainerError(`a container could not be started: ${reason || 'its runtime did not say why'}`, {
    hint: 'The operator of the worker can see what this machine lacks with "gantry doctor".',
    cause,
  });
}
