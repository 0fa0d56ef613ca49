import type { BlobStore } from '@gantry/blobs';
import type { Registry } from '@gantry/messaging';
import {
  type BlockNotes,
  registryKeys,
  type VersionsInUse,
  VERSIONS_RENEWED_MS,
  type VolumeHead,
} from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';
import { BlockCollector, type CollectionNotes } from '@gantry/volumes';

import { RepeatedSweep } from './repeated-sweep.ts';

/** A worker that has not renewed what it uses for so long is gone, and its containers with it. */
const IN_USE_MS = 12 * VERSIONS_RENEWED_MS;

export interface BlockSweepOptions {
  messaging: { registry: Registry };
  /** The store of volumes. */
  volumeBlobs: BlobStore;
  log: Logger;
}

/** Removes the blocks that no volume needs any more while this server leads. */
export function startBlockSweeps(options: BlockSweepOptions): RepeatedSweep {
  return new RepeatedSweep({
    sweep: (signal) => sweepBlocks(options, { signal }),
    what: 'blocks that no volume needs any more',
    log: options.log,
  });
}

/** One collection. Resolves to how many blocks it removed. */
export function sweepBlocks(
  { messaging: { registry }, volumeBlobs }: Omit<BlockSweepOptions, 'log'>,
  { nowMs = Date.now, signal }: { nowMs?: () => number; signal?: AbortSignal } = {},
): Promise<number> {
  const collector = new BlockCollector({
    roots: () => rootsOf(registry, nowMs()),
    pages: { read: (digest) => volumeBlobs.getBytes(digest) },
    inventory: volumeBlobs,
    notes: new RegistryNotes(registry, volumeBlobs),
    nowMs,
  });
  return collector.collect(signal);
}

/** Of the present versions of all volumes, and of those that are mounted. */
async function rootsOf(registry: Registry, nowMs: number): Promise<string[]> {
  // First what is mounted: a version that is mounted later is one that a volume has now.
  const used = await registry.list<VersionsInUse>(registryKeys.allVersionsInUse);
  const heads = await registry.list<VolumeHead>(registryKeys.allVolumeHeads);
  const inUse = used.filter(({ value }) => nowMs - value.renewedAtMs < IN_USE_MS);
  return [...inUse.flatMap(({ value }) => value.roots), ...heads.flatMap(({ value }) => value.root ?? [])];
}

/** Notes in a blob of the store itself, which a key of the registry leads to; old ones are collected as all else. */
class RegistryNotes implements CollectionNotes {
  readonly #registry: Registry;
  readonly #blobs: BlobStore;

  constructor(registry: Registry, blobs: BlobStore) {
    this.#registry = registry;
    this.#blobs = blobs;
  }

  async read(): Promise<{ bytes?: Uint8Array | undefined; revision: number }> {
    const found = await this.#registry.get<BlockNotes>(registryKeys.blockNotes);
    if (!found) return { revision: 0 };
    // They may be gone: a day is waited anew then.
    const bytes = await this.#blobs.getBytes(found.value.digest).catch(() => undefined);
    return { bytes, revision: found.revision };
  }

  async write(bytes: Uint8Array, revision: number): Promise<boolean> {
    const { digest } = await this.#blobs.putBytes(bytes);
    const notes: BlockNotes = { digest };
    return revision === 0
      ? this.#registry.create(registryKeys.blockNotes, notes)
      : this.#registry.update(registryKeys.blockNotes, notes, revision);
  }
}
