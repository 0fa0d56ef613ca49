export { type PageStore } from './tree-pages.ts';
export { type PlacedEntry, VolumeTree } from './volume-tree.ts';
