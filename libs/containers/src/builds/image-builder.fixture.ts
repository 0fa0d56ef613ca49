import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

import { applyConfig, type ImageState, planImage, type PlannedSpec } from '@gantry/images';
import { findProgram } from '@gantry/testing';

import { ImageBuilder } from './image-builder.ts';
import type { LayerStore } from './layer-store.ts';
import { runTool } from './tool-process.ts';

const PROGRAMS = ['buildah', 'runc', 'mmdebstrap', 'slirp4netns', 'unshare'];

/** Why images cannot be built here; undefined if they can. */
export const noBuildsReason = reasonAgainstBuilds();

function reasonAgainstBuilds(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can build images';
  const missing = PROGRAMS.filter(
    (name) => findProgram(name, `GANTRY_TEST_${name.toUpperCase()}`) === undefined,
  );
  return missing.length > 0 ? `${missing.join(', ')} are not installed` : undefined;
}

/** Kept between runs: a Debian takes half a minute. */
export const BUILD_CACHE = fileURLToPath(new URL('../../../../.tools/cache/images', import.meta.url));

/** A {@link LayerStore} in a folder. */
export class FolderStore implements LayerStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async has(digest: string): Promise<boolean> {
    return existsSync(join(this.#folder, digest));
  }

  async get(digest: string): Promise<AsyncIterable<Uint8Array>> {
    return createReadStream(join(this.#folder, digest));
  }

  /** Unpacks a layer as it is. */
  async unpack(digest: string, root: string): Promise<void> {
    await runTool('tar', ['-C', root, '-xzf', join(this.#folder, digest)]);
  }

  async put(digest: string, source: AsyncIterable<Uint8Array>): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const draft = join(this.#folder, `${digest}.${process.pid}`);
    const hash = createHash('sha256');
    await pipeline(
      source,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(draft),
    );
    if (`sha256-${hash.digest('hex')}` !== digest) throw new Error(`the content is not "${digest}"`);
    await rename(draft, join(this.#folder, digest));
  }
}

/** Builds all steps of an image on top of the base that all tests share. */
export async function buildAll(builder: ImageBuilder, spec: PlannedSpec): Promise<ImageState> {
  const base = await sharedBase();
  let state = base;
  const { steps } = planImage(spec, { nodeVersion: process.versions.node });
  for (const step of steps.slice(2)) {
    if (step.kind === 'config') state = { ...state, config: applyConfig(state.config, step.change) };
    if (step.kind === 'layer') state = await builder.build(step.work, { below: state });
  }
  return state;
}

/** Debian with Node, made once for all tests; its layers are in {@link BUILD_CACHE}. */
export async function sharedBase(): Promise<ImageState> {
  const record = join(BUILD_CACHE, `base-${process.versions.node}.json`);
  return await alone(`${record}.lock`, async () => {
    if (existsSync(record)) return JSON.parse(await readFile(record, 'utf8')) as ImageState;
    const builder = new ImageBuilder({
      folder: join(BUILD_CACHE, 'builder'),
      store: new FolderStore(BUILD_CACHE),
      machineCache: BUILD_CACHE,
    });
    let below: ImageState | undefined;
    for (const step of planImage({ steps: [{ type: 'debian' }] }, { nodeVersion: process.versions.node })
      .steps) {
      if (step.kind === 'layer') below = await builder.build(step.work, { below });
    }
    await writeFile(record, JSON.stringify(below));
    return below as ImageState;
  });
}

const LOCK_STALE_MS = 120_000;

/** One process at a time; a lock of two minutes is one that was left behind. */
async function alone<T>(lock: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(lock), { recursive: true });
  for (;;) {
    try {
      await mkdir(lock);
      break;
    } catch {
      const since = await stat(lock).catch(() => undefined);
      if (since && Date.now() - since.mtimeMs > LOCK_STALE_MS)
        await rm(lock, { recursive: true, force: true });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  try {
    return await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

/** Where the layers of {@link sharedBase} are. */
export const sharedBaseStore = new FolderStore(BUILD_CACHE);
