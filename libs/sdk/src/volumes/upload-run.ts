import type { FileHandle } from 'node:fs/promises';

import {
  BLOCK_BYTES,
  encodeFrame,
  InvalidError,
  NotFoundError,
  type VolumeChange,
  type VolumeFile,
} from '@gantry/protocol';

import { fileSystem, join } from '../node-modules.ts';
import type { VolumePlace } from './volume.ts';
import type { UploadProgress } from './volume-upload.ts';

/** Something to be uploaded. */
export type UploadSource =
  | { type: 'file'; path: string; local: string }
  | { type: 'directory'; path: string; local: string }
  | { type: 'content'; path: string; content: Uint8Array | AsyncIterable<Uint8Array> };

/** Pieces are asked for, and sent, so many bytes or pieces at a time: what two of them take is in memory. */
const LOT = { bytes: 16 * 1024 * 1024, pieces: 1_000 };
const LOTS_AT_ONCE = 2;
const FILE_MODE = 0o644;

interface Piece {
  digest: string;
  bytes: Uint8Array;
}

/** Uploads contents that the store lacks; resolves to the changes that put them into the volume. */
export async function uploadAll(
  sources: readonly UploadSource[],
  place: VolumePlace,
  onProgress?: (progress: UploadProgress) => void,
): Promise<VolumeChange[]> {
  const files = await Promise.all(sources.map(expand)).then((lists) => lists.flat());
  const sender = new PieceSender(place);
  const progress: UploadProgress = {
    doneBytes: 0,
    doneFiles: 0,
    totalBytes: files.reduce((sum, file) => sum + ('sizeBytes' in file ? file.sizeBytes : 0), 0),
    totalFiles: files.filter(({ type }) => type === 'bytes').length,
  };
  const changes: VolumeChange[] = [];
  // Not imported: every container that loads the SDK would pay for it.
  const { createHash } = process.getBuiltinModule('node:crypto');
  for (const file of files) {
    if (file.type === 'entry') {
      changes.push(file.change);
      continue;
    }
    const blocks: string[] = [];
    let sizeBytes = 0;
    for await (const bytes of file.read()) {
      const digest = `sha256-${createHash('sha256').update(bytes).digest('hex')}`;
      blocks.push(digest);
      sizeBytes += bytes.length;
      await sender.add({ digest, bytes });
      progress.doneBytes += bytes.length;
      onProgress?.({ ...progress });
    }
    progress.doneFiles++;
    const { mode, mtimeMs } = file;
    changes.push({
      path: file.path,
      entry: { type: 'file', mode, mtimeMs, sizeBytes, blocks } satisfies VolumeFile,
    });
  }
  await sender.finish();
  onProgress?.({ ...progress });
  return changes;
}

type Expanded =
  | { type: 'entry'; change: VolumeChange }
  | {
      type: 'bytes';
      path: string;
      mode: number;
      mtimeMs: number;
      sizeBytes: number;
      /** Its pieces: all but the last one have {@link BLOCK_BYTES}. */
      read(): AsyncIterable<Uint8Array>;
    };

async function expand(source: UploadSource): Promise<Expanded[]> {
  if (source.type === 'content') {
    const { path, content } = source;
    const sizeBytes = content instanceof Uint8Array ? content.length : 0;
    const read = () => (content instanceof Uint8Array ? slices(content) : copiedPieces(path, content));
    return [{ type: 'bytes', path, mode: FILE_MODE, mtimeMs: Date.now(), sizeBytes, read }];
  }
  const info = await fileSystem()
    .stat(source.local)
    .catch((cause: unknown) => {
      if (!isMissing(cause)) throw unreadable(source.local, cause);
      throw new NotFoundError(`"${source.local}" is not there to be uploaded`, {
        cause,
        hint:
          source.type === 'file'
            ? 'Nothing was uploaded. Text that is to become a file is given as bytes: Buffer.from(text).'
            : 'Nothing was uploaded. Name a directory that is there.',
      });
    });
  if (source.type === 'file' && info.isFile()) return [fileOf(source.path, source.local, info)];
  if (source.type === 'directory' && info.isDirectory()) {
    const below = await expandDirectory(source.path, source.local);
    return source.path === '' ? below : [directoryOf(source.path, info), ...below];
  }
  const hint = info.isDirectory() ? 'Use putDirectory.' : 'Upload files and directories.';
  throw new InvalidError(`"${source.local}" is no ${source.type}`, { hint });
}

async function expandDirectory(path: string, local: string): Promise<Expanded[]> {
  const expanded: Expanded[] = [];
  const entries = await fileSystem()
    .readdir(local, { withFileTypes: true })
    .catch((cause: unknown) => {
      throw unreadable(local, cause);
    });
  for (const each of entries) {
    const from = join(local, each.name);
    const to = path === '' ? each.name : `${path}/${each.name}`;
    if (each.isSymbolicLink()) {
      expanded.push({
        type: 'entry',
        change: { path: to, entry: { type: 'link', mtimeMs: 0, target: await fileSystem().readlink(from) } },
      });
      continue;
    }
    const info = await fileSystem().stat(from);
    if (info.isDirectory()) {
      expanded.push(directoryOf(to, info), ...(await expandDirectory(to, from)));
      continue;
    }
    if (!info.isFile()) {
      throw new InvalidError(`"${from}" is no file, directory or link`, {
        hint: 'Leave it out: a volume holds nothing else.',
      });
    }
    expanded.push(fileOf(to, from, info));
  }
  return expanded;
}

function directoryOf(path: string, { mode, mtimeMs }: { mode: number; mtimeMs: number }): Expanded {
  return {
    type: 'entry',
    change: { path, entry: { type: 'directory', mode: mode & 0o7777, mtimeMs } },
  };
}

function fileOf(
  path: string,
  local: string,
  { mode, mtimeMs, size }: { mode: number; mtimeMs: number; size: number },
): Expanded {
  return {
    type: 'bytes',
    path,
    mode: mode & 0o7777,
    mtimeMs,
    sizeBytes: size,
    read: () => readPieces(local, size),
  };
}

async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) yield bytes.subarray(at, at + BLOCK_BYTES);
}

/** Chunks of any size as pieces. They are copied: who made them may use their memory for the next one. */
async function* copiedPieces(path: string, chunks: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  let piece = new Uint8Array(BLOCK_BYTES);
  let filled = 0;
  for await (const chunk of chunks) {
    assertBytes(path, chunk);
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + BLOCK_BYTES - filled);
      piece.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < BLOCK_BYTES) continue;
      yield piece;
      [piece, filled] = [new Uint8Array(BLOCK_BYTES), 0];
    }
  }
  if (filled > 0) yield piece.slice(0, filled);
}

/** Streams of Node give text if they have an encoding, whatever their type says. */
function assertBytes(path: string, chunk: unknown): asserts chunk is Uint8Array {
  if (chunk instanceof Uint8Array) return;
  throw new InvalidError(`the stream that is to become "${path}" gives ${typeof chunk}s, and not bytes`, {
    hint: 'Nothing was uploaded. Give a stream of Uint8Array: without an encoding, or through a TextEncoderStream.',
  });
}

async function* readPieces(local: string, sizeBytes: number): AsyncGenerator<Uint8Array> {
  const file = await fileSystem()
    .open(local)
    .catch((cause: unknown) => {
      throw unreadable(local, cause);
    });
  try {
    let piece: Uint8Array;
    let done = 0;
    do {
      piece = await readPiece(file, sizeBytes - done);
      done += piece.length;
      if (piece.length > 0) yield piece;
    } while (piece.length === BLOCK_BYTES);
  } finally {
    await file.close();
  }
}

/**
 * The next piece of a file: shorter only at its end.
 *
 * @param restBytes - What is left of the file by its size. Most files are small: their pieces take no more memory than they
 * have, and one byte that tells whether the file has grown since.
 */
async function readPiece(file: FileHandle, restBytes: number): Promise<Uint8Array> {
  let piece = new Uint8Array(Math.min(BLOCK_BYTES, Math.max(0, restBytes) + 1));
  let filled = 0;
  while (filled < BLOCK_BYTES) {
    if (filled === piece.length) {
      const grown = new Uint8Array(BLOCK_BYTES);
      grown.set(piece);
      piece = grown;
    }
    const { bytesRead } = await file.read(piece, filled, piece.length - filled);
    if (bytesRead === 0) return piece.subarray(0, filled);
    filled += bytesRead;
  }
  return piece;
}

/** Sends pieces in lots, after asking which of them are there. */
class PieceSender {
  readonly #place: VolumePlace;
  #lot: Piece[] = [];
  #lotBytes = 0;
  readonly #underWay = new Set<Promise<void>>();
  #failure: { error: unknown } | undefined;

  constructor(place: VolumePlace) {
    this.#place = place;
  }

  async add(piece: Piece): Promise<void> {
    this.#lot.push(piece);
    this.#lotBytes += piece.bytes.length;
    if (this.#lotBytes >= LOT.bytes || this.#lot.length >= LOT.pieces) await this.#send();
  }

  /** Resolves when all are stored. */
  async finish(): Promise<void> {
    await this.#send();
    await Promise.all(this.#underWay);
    this.#throwFailure();
  }

  async #send(): Promise<void> {
    const lot = this.#lot;
    [this.#lot, this.#lotBytes] = [[], 0];
    while (this.#underWay.size >= LOTS_AT_ONCE) await Promise.race(this.#underWay);
    this.#throwFailure();
    if (lot.length === 0) return;
    const sending: Promise<void> = this.#sendLot(lot)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }

  async #sendLot(lot: readonly Piece[]): Promise<void> {
    const { api, path } = this.#place;
    const digests = lot.map(({ digest }) => digest);
    const { missing } = await api.json<{ missing: string[] }>(path('/missing'), {
      method: 'POST',
      body: { digests },
    });
    const wanted = new Map(lot.map(({ digest, bytes }) => [digest, bytes]));
    const small: Uint8Array[] = [];
    const large: Uint8Array[] = [];
    for (const digest of missing) {
      const bytes = wanted.get(digest);
      if (bytes) (bytes.length < BLOCK_BYTES / 4 ? small : large).push(bytes);
    }
    const send = (pieces: Uint8Array[]) =>
      api.json(path('/pieces'), { method: 'POST', body: encodeFrame({ pieces }) });
    await Promise.all([...large.map((piece) => send([piece])), ...(small.length > 0 ? [send(small)] : [])]);
  }
}

function isMissing(cause: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '');
}

function unreadable(local: string, cause: unknown): InvalidError {
  const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
  return new InvalidError(`"${local}" cannot be read: ${code}`, {
    cause,
    hint: 'Nothing was uploaded. Give yourself the right to read it, or leave it out.',
  });
}
