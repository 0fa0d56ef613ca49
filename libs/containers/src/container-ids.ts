import { isRootless } from './rootless/user-namespace.ts';

/**
 * Users and groups of this machine that those of containers are: user 0 of a container is the first. Beyond the ids
 * that people, services, systemd and the sub-id ranges of users have; where an ordinary user runs containers, those of
 * that user's range, as seen in the namespace in which the worker runs.
 */
export const CONTAINER_IDS = isRootless()
  ? { first: 1, count: 65_535 }
  : { first: 1_900_000_000, count: 65_536 };
