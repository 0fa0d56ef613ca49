export { BlockCollector, type BlockCollectorParts, type CollectionNotes } from './block-collector.ts';
export { type BlockInventory, COLLECTION, type StoredBlock } from './block-inventory.ts';
export { BlockPresence } from './block-presence.ts';
export type { NumberedEntry, NumberedTree } from './numbered-tree.ts';
export { copyPlan, entryAt, fileAt, removalPlan, uploadPlan } from './plans.ts';
export type { PageStore } from './tree-pages.ts';
export { type CommitPlan, type HeadStore, VolumeStore, type VolumeStoreParts } from './volume-store.ts';
export { type PlacedEntry, VolumeTree } from './volume-tree.ts';
