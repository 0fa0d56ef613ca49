import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import type { ContainerMount } from '../container-driver.ts';
import { OwnedRecords } from '../owned-records.ts';
import { LATE_FOLDER, LATE_OWNERS_FOLDER, PLATFORM_FOLDER } from './places.ts';
import { runTool } from './run-tool.ts';

/** Where containers that were started ahead find what they are given later. */
const INNER_FOLDER = join(PLATFORM_FOLDER, 'late');

/** Makes the folder from which mounts reach into running containers. Once per process. */
export function prepareLateMounts(): void {
  mkdirSync(LATE_FOLDER, { recursive: true });
  if (mountPointsBelow(LATE_FOLDER).includes(LATE_FOLDER)) return;
  execFileSync('mount', ['--bind', LATE_FOLDER, LATE_FOLDER]);
  execFileSync('mount', ['--make-shared', LATE_FOLDER]);
}

/**
 * Takes away what workers that are gone have left. Their data directories, in which they say what they had, may be gone,
 * too: so who had what is said beside the folders themselves.
 */
export async function removeStaleLateMounts(): Promise<void> {
  await owners().reconcile(async (_, name) => {
    // Another worker may do the same at the same time.
    await new LateMounts(name).remove().catch(() => undefined);
    return true;
  });
}

function owners(): OwnedRecords<object> {
  return new OwnedRecords(LATE_OWNERS_FOLDER);
}

/**
 * A folder of one container, in which the machine can mount what the container sees then: the kernel passes mounts on
 * from here to there, and never back.
 */
export class LateMounts {
  readonly #name: string;
  readonly #folder: string;

  constructor(name: string) {
    this.#name = name;
    this.#folder = join(LATE_FOLDER, name);
  }

  /** What the container has to have from its start. */
  prepare(): ContainerMount {
    owners().add(this.#name, {});
    mkdirSync(this.#folder, { recursive: true });
    return { source: this.#folder, target: INNER_FOLDER };
  }

  /** Whether they could be given to a container that runs: others have their places in the root. */
  static canGive(mounts: readonly ContainerMount[]): boolean {
    return mounts.every(({ target }) => dirname(target) === PLATFORM_FOLDER);
  }

  /** Gives them to the running container. Returns where it finds them. */
  async give(mounts: readonly ContainerMount[]): Promise<ContainerMount[]> {
    return Promise.all(
      mounts.map(async ({ source, target }) => {
        const name = basename(target);
        mkdirSync(join(this.#folder, name), { recursive: true });
        await runTool('mount', ['--bind', source, join(this.#folder, name)]);
        return { source, target: join(INNER_FOLDER, name) };
      }),
    );
  }

  /** Takes everything away. */
  async remove(): Promise<void> {
    const mounted = mountPointsBelow(this.#folder);
    if (mounted.length > 0) await runTool('umount', ['--lazy', ...mounted]);
    rmSync(this.#folder, { recursive: true, force: true });
    owners().remove(this.#name);
  }
}

function mountPointsBelow(folder: string): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const points = lines.map((line) => line.split(' ')[4] ?? '');
  return points.filter((point) => point === folder || point.startsWith(`${folder}/`));
}
