import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import type { ImageLayer } from '@gantry/protocol';

import type { LayerStore } from './layer-store.ts';

const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const ARCHITECTURES: Partial<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** What this machine is called in images. */
export function ociArchitecture(): string {
  return ARCHITECTURES[arch()] ?? arch();
}

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/** Writes layers as an OCI layout with one image, whose tag is `image`. */
export async function writeLayout(
  folder: string,
  layers: readonly ImageLayer[],
  store: Pick<LayerStore, 'get'>,
): Promise<void> {
  const blobs = join(folder, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  for (const { digest } of layers) {
    await pipeline(await store.get(digest), createWriteStream(join(blobs, hexOf(digest))));
  }
  const put = async (mediaType: string, content: unknown): Promise<Descriptor> => {
    const bytes = Buffer.from(JSON.stringify(content));
    const hex = createHash('sha256').update(bytes).digest('hex');
    await writeFile(join(blobs, hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const config = await put(CONFIG_TYPE, {
    architecture: ociArchitecture(),
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => `sha256:${hexOf(diffId)}`) },
  });
  const manifest = await put(MANIFEST_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config,
    layers: layers.map(({ digest, sizeBytes }) => ({
      mediaType: LAYER_TYPE,
      digest: `sha256:${hexOf(digest)}`,
      size: sizeBytes,
    })),
  });
  const annotations = { 'org.opencontainers.image.ref.name': 'image' };
  await writeFile(
    join(folder, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
}

/**
 * Prepares a layout that an image is to be exported to, so that only its new layers are: a file named after what is
 * inside a layer makes the exporter take that for there already.
 */
export async function prepareLayout(folder: string, known: readonly ImageLayer[]): Promise<void> {
  const blobs = join(folder, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  await Promise.all(known.map(({ diffId }) => writeFile(join(blobs, hexOf(diffId)), '')));
}

/** What images say about processes, as OCI writes it. */
export interface OciProcessConfig {
  Env?: string[];
  WorkingDir?: string;
  Entrypoint?: string[];
  Cmd?: string[];
  Shell?: string[];
}

/** An image in a layout. */
export interface LayoutImage {
  /** Lowest first; `path` where the layer is in the layout. */
  layers: { layer: ImageLayer; path: string }[];
  config: OciProcessConfig;
  architecture: string;
}

/** Reads the one image of a layout. Of layers that were known before, only `diffId` is right. */
export async function readLayout(folder: string): Promise<LayoutImage> {
  const at = (digest: string) => join(folder, 'blobs', 'sha256', digest.slice('sha256:'.length));
  const read = async <T>(path: string) => JSON.parse(await readFile(path, 'utf8')) as T;
  const index = await read<{ manifests: [Descriptor] }>(join(folder, 'index.json'));
  const manifest = await read<{ config: Descriptor; layers: Descriptor[] }>(at(index.manifests[0].digest));
  const image = await read<{
    architecture: string;
    config?: OciProcessConfig;
    rootfs: { diff_ids: string[] };
  }>(at(manifest.config.digest));
  const layers = manifest.layers.map(({ digest, size }, number) => ({
    layer: {
      digest: dashed(digest),
      sizeBytes: size,
      diffId: dashed(image.rootfs.diff_ids[number] ?? ''),
    },
    path: at(digest),
  }));
  return { layers, config: image.config ?? {}, architecture: image.architecture };
}

/** Keeps the layers of an exported image that are not among those known before; resolves with all. */
export async function storeLayers(
  image: LayoutImage,
  known: readonly ImageLayer[],
  store: LayerStore,
): Promise<ImageLayer[]> {
  const byContent = new Map(known.map((layer) => [layer.diffId, layer]));
  const layers: ImageLayer[] = [];
  for (const { layer, path } of image.layers) {
    const before = byContent.get(layer.diffId);
    layers.push(before ?? layer);
    if (before === undefined && !(await store.has(layer.digest))) {
      await store.put(layer.digest, createReadStream(path));
    }
  }
  return layers;
}

function hexOf(digest: string): string {
  return digest.slice('sha256-'.length);
}

function dashed(digest: string): string {
  return digest.replace(':', '-');
}
