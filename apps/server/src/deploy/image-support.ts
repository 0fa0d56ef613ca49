import {
  type FunctionSpec,
  GantryError,
  type ImageNeed,
  InvalidError,
  type Manifest,
  needsOfImage,
  RELATIVE_PATH,
  type WorkerStatus,
} from '@gantry/protocol';

import type { WorkerObserver } from '../worker-observer.ts';

const WORKER_WAIT_MS = 2_000;

/**
 * Checks that the platform has a worker that can give functions their images, and volumes at their paths.
 *
 * @throws InvalidError that names each step that no worker can honour, and where it was written; GantryError
 * `UNAVAILABLE` where there is no worker to tell.
 */
export async function assertImagesPossible(
  { images = [], functions }: Pick<Manifest, 'images' | 'functions'>,
  observer: Pick<WorkerObserver, 'statuses' | 'ask' | 'onStatus'>,
): Promise<void> {
  // Where a version of Node is asked for, it depends on the workers.
  const mounts = functions.flatMap(needsOfVolumes);
  if (mounts.length === 0 && images.every((image) => needsOfImage(image, '').length === 0)) return;
  const workers = await firstWorkers(observer);
  if (workers.length === 0) {
    throw new GantryError(
      'UNAVAILABLE',
      'no worker is there to say whether it can have the images and volumes of the app',
      {
        hint: 'Start a worker, then deploy again.',
      },
    );
  }
  if (workers.some(({ driver }) => driver?.images)) return;
  const versions = [...new Set(workers.map(({ driver }) => driver?.nodeVersion ?? process.versions.node))];
  // The worker that comes closest is the one to hear of.
  const [needs = []] = versions
    .map((version) => [...images.flatMap((image) => needsOfImage(image, version)), ...mounts])
    .sort((left, right) => left.length - right.length);
  if (needs.length === 0) return;
  throw new InvalidError(
    `the containers of this platform are plain processes, which cannot have:\n${needs.map(describe).join('\n')}`,
    { hint: hintFor(needs), details: { needs } },
  );
}

function needsOfVolumes({ options: { volumes = [], buckets = [] }, site }: FunctionSpec): ImageNeed[] {
  const needs = [
    ...volumes.map(({ path }) => ({ path, what: `a volume at "${path}"` })),
    ...buckets.map(({ path }) => ({ path, what: `a bucket at "${path}"` })),
  ];
  const absolute = needs.filter(({ path }) => path.startsWith('/'));
  return absolute.map(({ what }) => ({ what, instead: RELATIVE_PATH, site }));
}

// Workers report every few seconds, and at once when they are asked: a server that has just started knows none.
async function firstWorkers(
  observer: Pick<WorkerObserver, 'statuses' | 'ask' | 'onStatus'>,
): Promise<WorkerStatus[]> {
  const known = observer.statuses();
  if (known.length > 0) return known;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, WORKER_WAIT_MS);
    const listening = observer.onStatus(() => {
      clearTimeout(timer);
      listening.stop();
      resolve();
    });
    observer.ask();
  });
  return observer.statuses();
}

function describe({ what, site }: ImageNeed): string {
  return `  ${site ? `${site.file}:${site.line}: ` : ''}${what}`;
}

function hintFor(needs: readonly ImageNeed[]): string {
  const instead = needs.every((need) => need.instead) ? needs[0]?.instead : undefined;
  const driver =
    'Start the platform with containers that have a file system of their own: gantry up --driver runc.';
  return instead === undefined ? driver : `${driver} Or ${instead}.`;
}
