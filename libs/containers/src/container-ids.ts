/**
 * Users and groups of this machine that those of containers are: user 0 of a container is the first. Beyond the ids
 * that people, services, systemd and the sub-id ranges of users have.
 */
export const CONTAINER_IDS = { first: 1_900_000_000, count: 65_536 } as const;
