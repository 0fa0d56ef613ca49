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

/** Compresses a tar into a layer and keeps it. `folder` holds it meanwhile. */
export async function storeLayer(
  tar: AsyncIterable<Uint8Array>,
  folder: string,
  store: LayerStore,
): Promise<ImageLayer> {
  const path = join(folder, 'layer.tar.gz');
  const [inside, whole] = [new Digest(), new Digest()];
  await pipeline(tar, inside, createGzip({ level: COMPRESSION_LEVEL }), whole, createWriteStream(path));
  const layer = { digest: whole.digest(), sizeBytes: whole.sizeBytes, diffId: inside.digest() };
  if (!(await store.has(layer.digest))) await store.put(layer.digest, createReadStream(path));
  await rm(path);
  return layer;
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
