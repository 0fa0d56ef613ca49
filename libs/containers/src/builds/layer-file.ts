import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

import type { ImageLayer } from '@gantry/protocol';

import type { LayerStore } from './layer-store.ts';

// Most of a layer is read once, by machines near by: time counts more than size.
const COMPRESSION_LEVEL = 1;

export interface StoreLayerOptions {
  /** Holds the layer meanwhile. */
  folder: string;
  store: LayerStore;
  /** Told of the layer while it is in the folder. */
  onFile?: ((file: { layer: ImageLayer; path: string }) => Promise<void>) | undefined;
}

/** Compresses a tar into a layer and keeps it. */
export async function storeLayer(
  tar: AsyncIterable<Uint8Array>,
  { folder, store, onFile }: StoreLayerOptions,
): Promise<ImageLayer> {
  const path = join(folder, 'layer.tar.gz');
  const [inside, whole] = [new Digest(), new Digest()];
  await pipeline(tar, inside, createGzip({ level: COMPRESSION_LEVEL }), whole, createWriteStream(path));
  const layer = { digest: whole.digest(), sizeBytes: whole.sizeBytes, diffId: inside.digest() };
  if (!(await store.has(layer.digest))) await store.put(layer.digest, createReadStream(path));
  await onFile?.({ layer, path });
  await rm(path);
  return layer;
}

/** Brings a layer from a file into the store; false if the file is not what it was. */
export async function putLayer(
  { layer, path }: { layer: ImageLayer; path: string },
  store: LayerStore,
): Promise<boolean> {
  if (await store.has(layer.digest)) return true;
  return await store.put(layer.digest, createReadStream(path)).then(
    () => true,
    () => false,
  );
}

class Digest extends Transform {
  sizeBytes = 0;
  readonly #hash = createHash('sha256');

  override _transform(
    chunk: Buffer,
    _encoding: string,
    done: (error: Error | null, chunk: Buffer) => void,
  ): void {
    this.#hash.update(chunk);
    this.sizeBytes += chunk.length;
    done(null, chunk);
  }

  digest(): string {
    return `sha256-${this.#hash.digest('hex')}`;
  }
}
