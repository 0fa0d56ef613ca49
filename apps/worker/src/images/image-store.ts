import { createHash } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import type { BlobStore } from '@gantry/blobs';
import { CONTAINER_IDS, type ContainerRoot, gunzipped, unpackLayer } from '@gantry/containers';
import type { Registry } from '@gantry/messaging';
import {
  ExecutionError,
  type ImageLayer,
  type ImageRecord,
  NotFoundError,
  registryKeys,
} from '@gantry/protocol';

import { ownNode } from './own-node.ts';

export interface ImageStoreOptions {
  /** For the unpacked layers. One worker per folder. */
  folder: string;
  blobs: Pick<BlobStore, 'get'>;
  registry: Pick<Registry, 'get'>;
  /** Above it, layers that no container uses are removed, those of longest ago first. @defaultValue 20 GiB */
  limitBytes?: number | undefined;
}

/** An image that a container uses, until it is released. */
export interface OpenImage {
  root: ContainerRoot;
  release(): void;
}

const DEFAULT_LIMIT_BYTES = 20 * 1024 ** 3;
/** A file beside each layer: its text is the layer's size, its time that of the last use. */
const SIZE_SUFFIX = '.size';

/**
 * Images on this machine, as folders that overlayfs takes for lower ones.
 *
 * Invariants
 *   I1. A folder with the name of a layer is complete: it was unpacked elsewhere, verified, then renamed.
 *   I2. A layer is fetched and unpacked once, however many containers start meanwhile.
 *   I3. A layer that a container uses is never removed, whatever the limit.
 */
export class ImageStore {
  readonly #options: ImageStoreOptions;
  readonly #records = new Map<string, ImageRecord>();
  readonly #present = new Map<string, Promise<void>>();
  readonly #uses = new Map<string, number>();

  constructor(options: ImageStoreOptions) {
    this.#options = options;
  }

  /**
   * Brings an image to this machine.
   *
   * @throws NotFoundError if the platform has no such image, or lacks one of its layers.
   */
  async open(imageId: string): Promise<OpenImage> {
    const { layers, config } = await this.#record(imageId);
    const used = layers.map(({ diffId }) => diffId);
    const retain = (): (() => void) => this.#retain(used);
    const release = retain();
    try {
      const arrived = await Promise.all(layers.map((layer) => this.#bring(layer)));
      if (arrived.includes('new')) await this.#makeRoom();
    } catch (error) {
      release();
      throw error;
    }
    const { env, workdir, entrypoint } = config;
    const folders = used.map((layer) => this.#folderOf(layer));
    const node = ownNode({ env, layers: folders });
    return { root: { layers: folders, env, workdir, entrypoint, retain, ...(node && { node }) }, release };
  }

  /** Removes what a worker that was killed has left half done. To be called before the first image is opened. */
  async clean(): Promise<void> {
    const names: string[] = await readdir(this.#options.folder).catch(() => []);
    const kept = new Set(names.filter((name) => name.endsWith(SIZE_SUFFIX)).map(layerOf));
    const broken = names.filter((name) => !kept.has(layerOf(name)) || !names.includes(layerOf(name)));
    await Promise.all(
      broken.map((name) => rm(join(this.#options.folder, name), { recursive: true, force: true })),
    );
  }

  /** Layers are in use until what this returns is called. */
  #retain(layers: readonly string[]): () => void {
    for (const layer of layers) this.#uses.set(layer, (this.#uses.get(layer) ?? 0) + 1);
    let isReleased = false;
    return () => {
      if (!isReleased) for (const layer of layers) this.#uses.set(layer, (this.#uses.get(layer) ?? 1) - 1);
      isReleased = true;
    };
  }

  async #record(imageId: string): Promise<ImageRecord> {
    const known = this.#records.get(imageId);
    if (known) return known;
    const found = await this.#options.registry.get<ImageRecord>(registryKeys.image(imageId));
    if (!found) {
      throw new NotFoundError(`the image "${imageId}" does not exist`, { hint: 'Deploy the app again.' });
    }
    this.#records.set(imageId, found.value);
    return found.value;
  }

  async #bring(layer: ImageLayer): Promise<'new' | 'present'> {
    const { diffId } = layer;
    const now = new Date();
    if (existsSync(this.#sizeFileOf(diffId))) {
      await utimes(this.#sizeFileOf(diffId), now, now);
      return 'present';
    }
    let coming = this.#present.get(diffId);
    if (!coming) {
      coming = this.#unpack(layer).finally(() => this.#present.delete(diffId));
      this.#present.set(diffId, coming);
    }
    await coming;
    return 'new';
  }

  async #unpack({ digest, diffId }: ImageLayer): Promise<void> {
    const blob = Readable.from(await this.#options.blobs.get(digest));
    const tar = new VerifiedTar(gunzipped(blob));
    const draft = `${this.#folderOf(diffId)}.draft`;
    await rm(draft, { recursive: true, force: true });
    try {
      await unpackLayer(tar, draft, { idShift: CONTAINER_IDS.first });
      await tar.verify(diffId);
      await rename(draft, this.#folderOf(diffId));
    } finally {
      blob.destroy();
      await rm(draft, { recursive: true, force: true });
    }
    await writeFile(this.#sizeFileOf(diffId), String(tar.sizeBytes));
  }

  async #makeRoom(): Promise<void> {
    const { folder, limitBytes = DEFAULT_LIMIT_BYTES } = this.#options;
    const layers = await Promise.all(
      (await readdir(folder))
        .filter((name) => name.endsWith(SIZE_SUFFIX))
        .map((name) => this.#describe(name)),
    );
    let totalBytes = layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const { layer, sizeBytes } of layers.sort((left, right) => left.usedAtMs - right.usedAtMs)) {
      if (totalBytes <= limitBytes) return;
      if ((this.#uses.get(layer) ?? 0) > 0) continue;
      await this.#remove(layer);
      totalBytes -= sizeBytes;
    }
  }

  async #describe(name: string): Promise<{ layer: string; sizeBytes: number; usedAtMs: number }> {
    const path = join(this.#options.folder, name);
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    return { layer: layerOf(name), sizeBytes: Number(text), usedAtMs: mtimeMs };
  }

  // The size's name goes at once, without a turn of the loop since the uses were asked: who opens the layer from now
  // on unpacks it again, and waits until its old folder is gone.
  async #remove(layer: string): Promise<void> {
    const [folder, draft] = [this.#folderOf(layer), `${this.#folderOf(layer)}.removed`];
    renameSync(this.#sizeFileOf(layer), `${draft}.size-of`);
    renameSync(folder, draft);
    await rm(draft, { recursive: true, force: true });
    await rm(`${draft}.size-of`, { force: true });
  }

  #folderOf(diffId: string): string {
    return join(this.#options.folder, diffId);
  }

  #sizeFileOf(diffId: string): string {
    return `${this.#folderOf(diffId)}${SIZE_SUFFIX}`;
  }
}

function layerOf(name: string): string {
  return name.endsWith(SIZE_SUFFIX) ? name.slice(0, -SIZE_SUFFIX.length) : name;
}

/** A tar on its way. Who unpacks it may stop at the end of its entries; it is verified as a whole. */
class VerifiedTar implements AsyncIterable<Uint8Array> {
  sizeBytes = 0;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #hash = createHash('sha256');

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => this.#next() };
  }

  /** Reads what is left, too. */
  async verify(diffId: string): Promise<void> {
    while (!(await this.#next()).done);
    if (`sha256-${this.#hash.digest('hex')}` === diffId) return;
    throw new ExecutionError(`the layer "${diffId}" of an image is damaged`, {
      hint: 'Build the image again with GANTRY_FORCE_BUILD=1, and check the disk of the blob store for errors.',
    });
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    const next = await this.#chunks.next();
    if (!next.done) {
      this.#hash.update(next.value);
      this.sizeBytes += next.value.length;
    }
    return next;
  }
}
