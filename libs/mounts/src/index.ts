export { BlockCache, type BlockCacheParts } from './block-cache.ts';
export { BlockFolder } from './block-folder.ts';
export type { BlockReader, BlockSource } from './block-source.ts';
export type { VersionToMount } from './daemon-messages.ts';
export { findMountProblem, type MountProblem } from './fuse-mount.ts';
export { LocalBlocks } from './local-blocks.ts';
export { type OpenBlocks, serveMounts } from './mount-daemon.ts';
export { type MountedVersion, VersionMounts, type VersionMountsOptions } from './version-mounts.ts';
