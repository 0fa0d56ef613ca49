import type { MountProblem } from '@gantry/mounts';

import type { Check } from './checks.ts';

/** What a worker on this machine makes of volumes and buckets. */
export function checkMounts(problems: {
  volumes: MountProblem | undefined;
  buckets: MountProblem | undefined;
}): Check[] {
  return [ofVolumes(problems.volumes), ofBuckets(problems.buckets)];
}

function ofVolumes(problem: MountProblem | undefined): Check {
  const name = 'volumes';
  if (!problem)
    return { name, status: 'ok', detail: 'are mounted, by FUSE: files are fetched when they are read' };
  const detail = `are copied whole when containers start, as there is no FUSE: ${problem.message}`;
  return { name, status: 'warn', detail, hint: problem.hint };
}

function ofBuckets(problem: MountProblem | undefined): Check {
  const name = 'buckets';
  if (!problem) return { name, status: 'ok', detail: 'are mounted, by rclone' };
  return {
    name,
    status: 'warn',
    detail: `cannot be had by containers: ${problem.message}`,
    hint: problem.hint,
  };
}
