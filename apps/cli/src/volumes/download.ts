import { createWriteStream } from 'node:fs';
import { chmod, lstat, mkdir, rename, rm, stat, symlink, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { GantryError, InvalidError } from '@gantry/protocol';
import type { FileEntry, Volume } from 'gantry';

import type { TransferProgress } from './progress-line.ts';

export interface DownloadOptions {
  /** Replace local files. */
  force: boolean;
  onProgress: (progress: TransferProgress) => void;
  /** Ends it; what is half written goes. */
  signal: AbortSignal;
}

interface EntryOptions extends Pick<DownloadOptions, 'force' | 'signal'> {
  target: string;
  report: (bytes: number, files: number) => void;
  /** What is being written. */
  drafts: Set<string>;
}

/** Files that are fetched at once: each is a request, and most are small. */
const FILES_AT_ONCE = 8;

/**
 * Copies a file, or a directory with all in it, to this machine. A file appears under its name when it is whole.
 *
 * @returns How many files, and their bytes.
 * @throws GantryError `CONFLICT` for a local file that is there, without `force`, and for one in the place of a directory,
 * or the other way round; InvalidError for what the system does not let it write.
 */
export async function download(
  volume: Volume,
  { remote, local }: { remote: string; local: string },
  { force, onProgress, signal }: DownloadOptions,
): Promise<TransferProgress> {
  const entries = await volume.listdir(remote, { recursive: true });
  signal.throwIfAborted();
  const root = remote.replace(/^\/+|\/+$/g, '');
  const isFile = entries.length === 1 && entries[0]?.path === root && entries[0].type !== 'directory';
  const isBelow = root !== '' && (local.endsWith('/') || (await isLocalDirectory(local)));
  const base = isBelow ? join(local, basename(root)) : local;
  const files = entries.filter(({ type }) => type === 'file');
  const progress: TransferProgress = {
    doneBytes: 0,
    totalBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    doneFiles: 0,
    totalFiles: files.length,
  };
  const report = (bytes: number, wholeFiles: number) => {
    progress.doneBytes += bytes;
    progress.doneFiles += wholeFiles;
    onProgress(progress);
  };
  const targetOf = ({ path }: FileEntry) =>
    isFile ? base : join(base, path.slice(root === '' ? 0 : root.length + 1));
  await makeDirectory(isFile ? dirname(base) : base);
  const made: FileEntry[] = [];
  for (const entry of entries)
    if (entry.type === 'directory' && (await makeDirectory(targetOf(entry)))) made.push(entry);
  const drafts = new Set<string>();
  const others = entries.filter(({ type }) => type !== 'directory');
  const all = eachAtOnce(others, (entry) =>
    downloadEntry(volume, entry, { target: targetOf(entry), force, report, signal, drafts }),
  );
  try {
    await untilAborted(all, signal);
  } finally {
    // Of one that was interrupted: what it waits for may never come.
    for (const draft of drafts) await rm(draft, { force: true });
  }
  // At last, and from below: some cannot be written to, and writing changes their times.
  for (const entry of made.reverse()) await setAttributes(targetOf(entry), entry);
  return progress;
}

async function downloadEntry(
  volume: Volume,
  entry: FileEntry,
  { target, force, report, signal, drafts }: EntryOptions,
): Promise<void> {
  const present = await writing(target, () => lstat(target).catch(ignoreMissing));
  if (present?.isDirectory()) throw taken(target, 'is a directory, which no file replaces');
  if (present && !force) throw taken(target, 'is there already', 'Replace it with --force.');
  signal.throwIfAborted();
  const draft = `${target}.${process.pid}.part`;
  drafts.add(draft);
  try {
    if (entry.type === 'link') await writing(target, () => symlink(entry.target ?? '', draft));
    else {
      const content = Readable.from(counted(volume.readFile(entry.path), report));
      await writing(target, () => pipeline(content, createWriteStream(draft), { signal }));
      await setAttributes(draft, entry);
    }
    await writing(target, () => rename(draft, target));
  } finally {
    await rm(draft, { force: true });
    drafts.delete(draft);
  }
  if (entry.type === 'file') report(0, 1);
}

/** Says whether it was not there. */
async function makeDirectory(path: string): Promise<boolean> {
  return await writing(path, async () => {
    try {
      return (await mkdir(path, { recursive: true })) !== undefined;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
      throw taken(path, 'cannot be made a directory: a file is in its place');
    }
  });
}

async function setAttributes(path: string, { mode, mtimeMs, type }: FileEntry): Promise<void> {
  const at = new Date(mtimeMs);
  await writing(path, async () => {
    await utimes(path, at, at);
    await chmod(path, mode ?? (type === 'directory' ? 0o755 : 0o644));
  });
}

/** What the system refuses is for the user to mend, and said by the name of what was to be written. */
async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined || code === undefined) throw error;
    throw new InvalidError(`"${path}" cannot be written: ${code}`, {
      cause: error,
      hint: 'Choose another place, or make room and rights there.',
    });
  }
}

async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', abort);
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function eachAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  let failure: { error: unknown } | undefined;
  const worker = async () => {
    for (const item of rest) {
      if (failure) return;
      await work(item).catch((error: unknown) => (failure ??= { error }));
    }
  };
  await Promise.all(Array.from({ length: FILES_AT_ONCE }, worker));
  if (failure) throw (failure as { error: unknown }).error;
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  report: (bytes: number, files: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    report(chunk.length, 0);
  }
}

async function isLocalDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function taken(path: string, problem: string, hint = 'Move it away, or choose another place.'): GantryError {
  return new GantryError('CONFLICT', `"${path}" ${problem}`, { hint });
}
