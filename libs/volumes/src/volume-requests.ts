import {
  decodeFrame,
  InvalidError,
  type VolumeCommitRequest,
  type VolumeHead,
  type VolumeListing,
  volumePath,
} from '@gantry/protocol';

import { isDigestList } from './pieces.ts';
import { copyPlan, entryAt, removalPlan, uploadPlan } from './plans.ts';
import type { VolumeDirectory } from './volume-directory.ts';
import type { CommitPlan } from './volume-store.ts';
import type { PlacedEntry, VolumeTree } from './volume-tree.ts';

const MOST_DIGESTS = 10_000;
const LINES_CHARS = 64 * 1024;

/** What a commit answers. */
export type CommittedHead = Omit<VolumeHead, 'root'>;

/** What can be asked about the files of a volume, wherever the question came from: what is in it is not yet checked. */
export class VolumeRequests {
  readonly #volumes: VolumeDirectory;

  constructor(volumes: VolumeDirectory) {
    this.#volumes = volumes;
  }

  /**
   * What is at a path: of a directory what is in it, and with `recursive` below it, as lines of JSON.
   *
   * @throws NotFoundError before the first line.
   */
  async entries(volumeId: string, path: string, recursive: boolean): Promise<AsyncGenerator<Uint8Array>> {
    const { tree } = await this.#volumes.store.open(volumeId);
    const start = { path: volumePath(path), entry: await entryAt(tree, path) };
    return lines(listing(tree, start, recursive));
  }

  /** Those of some pieces that have to be sent. */
  async missing(digests: unknown): Promise<{ missing: string[] }> {
    if (!isDigestList(digests) || digests.length > MOST_DIGESTS)
      throw new InvalidError(`"digests" must be a list of at most ${MOST_DIGESTS} digests`);
    return { missing: await this.#volumes.pieces.missing(digests) };
  }

  /** @param body A frame of the codec, with the list `pieces`. */
  async putPieces(body: Uint8Array): Promise<void> {
    await this.#volumes.pieces.putAll(decodeFrame<{ pieces?: unknown }>(body)?.pieces);
  }

  /** @param body A frame of the codec: a `VolumeCommitRequest`. */
  async commit(volumeId: string, body: Uint8Array): Promise<CommittedHead> {
    const request = decodeFrame<Partial<VolumeCommitRequest>>(body);
    const changes = await this.#volumes.pieces.check(request?.changes);
    return this.#change(volumeId, uploadPlan(changes, { overwrite: request.overwrite === true }));
  }

  async remove(volumeId: string, { path, recursive }: Record<string, unknown>): Promise<CommittedHead> {
    if (typeof path !== 'string') throw new InvalidError('"path" is missing');
    return this.#change(volumeId, removalPlan(path, { recursive: recursive === true }));
  }

  async copy(
    volumeId: string,
    { sources, target, recursive }: Record<string, unknown>,
  ): Promise<CommittedHead> {
    if (!isPathList(sources) || typeof target !== 'string')
      throw new InvalidError('"sources" must be a list of paths, and "target" a path');
    return this.#change(volumeId, copyPlan(sources, target, { recursive: recursive === true }));
  }

  async #change(volumeId: string, plan: CommitPlan): Promise<CommittedHead> {
    const { version, entries, sizeBytes, committedAtMs } = await this.#volumes.store.commit(volumeId, plan);
    return { version, entries, sizeBytes, committedAtMs };
  }
}

async function* listing(
  tree: VolumeTree,
  start: PlacedEntry,
  recursive: boolean,
): AsyncGenerator<VolumeListing> {
  if (start.entry.type !== 'directory') return yield listed(start);
  for await (const placed of recursive ? tree.walk(start.path) : tree.list(start.path)) yield listed(placed);
}

function listed({ path, entry }: PlacedEntry): VolumeListing {
  const { type, mtimeMs } = entry;
  if (type === 'link') return { path, type, mtimeMs, sizeBytes: 0, target: entry.target };
  return { path, type, mtimeMs, sizeBytes: type === 'file' ? entry.sizeBytes : 0, mode: entry.mode };
}

async function* lines(entries: AsyncIterable<VolumeListing>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let text = '';
  for await (const entry of entries) {
    text += `${JSON.stringify(entry)}\n`;
    if (text.length < LINES_CHARS) continue;
    yield encoder.encode(text);
    text = '';
  }
  if (text !== '') yield encoder.encode(text);
}

function isPathList(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string');
}
