import { type BlobStoreConfig, openBlobStore, volumeStoreConfig } from '@gantry/blobs';
import { BlockCache, BlockFolder, type BlockReader, LocalBlocks } from '@gantry/mounts';

/** Where blocks of volumes come from, and where copies of them are kept. */
export interface VolumeBlocksSetup {
  /** The store of the platform. */
  blobs: BlobStoreConfig;
  /** Workers of a machine may share it. */
  cacheFolder: string;
  cacheBytes: number;
}

/** Opens the blocks of all volumes, with a cache on local disk unless the store itself is there. */
export async function openVolumeBlocks(
  { blobs, cacheFolder, cacheBytes }: VolumeBlocksSetup,
  warn: (message: string) => void,
): Promise<BlockReader> {
  const config = volumeStoreConfig(blobs);
  if (config.type === 'disk') return new LocalBlocks(config.path);
  const source = await openBlobStore(config);
  return new BlockCache({ source, folder: new BlockFolder(cacheFolder), limitBytes: cacheBytes, warn });
}
