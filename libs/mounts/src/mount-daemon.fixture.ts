import { existsSync } from 'node:fs';

import { InternalFailure } from '@gantry/protocol';

import { BlockCache } from './block-cache.ts';
import { BlockFolder } from './block-folder.ts';
import { LocalBlocks } from './local-blocks.ts';
import { serveMounts } from './mount-daemon.ts';

/** A store is a folder of blocks. */
export interface TestSetup {
  store: string;
  /** Blocks are copied to here, as from a store that is far away. @defaultValue they are read where they are */
  cache?: string | undefined;
  /** While there is a file of this name, the store cannot be reached. */
  outage?: string | undefined;
  patienceMs?: number | undefined;
}

await serveMounts<TestSetup>(async ({ store, cache, outage, patienceMs }, warn) => {
  const local = new LocalBlocks(store);
  if (cache === undefined) return local;
  if (outage !== undefined && existsSync(outage)) throw new InternalFailure('the store cannot be reached');
  const getBytes = async (digest: string, into = new Uint8Array()): Promise<Uint8Array> => {
    if (outage !== undefined && existsSync(outage)) throw new InternalFailure('the store cannot be reached');
    const { bytes } = await local.read(digest);
    if (bytes.length > into.length) return bytes;
    into.set(bytes);
    return into.subarray(0, bytes.length);
  };
  const folder = new BlockFolder(cache);
  return new BlockCache({ source: { getBytes }, folder, limitBytes: 2 ** 30, patienceMs, warn });
});
