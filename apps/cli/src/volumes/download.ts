import { createWriteStream } from 'node:fs';
import { chmod, lstat, mkdir, rename, rm, symlink, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { GantryError } from '@gantry/protocol';
import type { FileEntry, Volume } from 'gantry';

import type { TransferProgress } from './progress-line.ts';

export interface DownloadOptions {
  /** Replace local files. */
  force: boolean;
  onProgress: (progress: TransferProgress) => void;
}

/**
 * Copies a file, or a directory with all in it, to this machine. A file appears under its name when it is whole.
 *
 * @returns How many files, and their bytes.
 * @throws GantryError `CONFLICT` for a local file that is there, without `force`.
 */
export async function download(
  volume: Volume,
  { remote, local }: { remote: string; local: string },
  { force, onProgress }: DownloadOptions,
): Promise<TransferProgress> {
  const entries = await volume.listdir(remote, { recursive: true });
  const root = remote.replace(/^\/+|\/+$/g, '');
  const isFile = entries.length === 1 && entries[0]?.path === root && entries[0].type !== 'directory';
  const name = basename(root);
  const isDirectory = await isLocalDirectory(local);
  const base = root !== '' && (isDirectory || local.endsWith('/')) ? join(local, name) : local;
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
  if (!isFile) await mkdir(base, { recursive: true });
  for (const entry of entries) {
    const target = isFile ? base : join(base, entry.path.slice(root === '' ? 0 : root.length + 1));
    await downloadEntry(volume, entry, { target, force, report });
  }
  return progress;
}

async function downloadEntry(
  volume: Volume,
  entry: FileEntry,
  {
    target,
    force,
    report,
  }: { target: string; force: boolean; report: (bytes: number, files: number) => void },
): Promise<void> {
  if (entry.type === 'directory') return void (await mkdir(target, { recursive: true }));
  const present = await lstat(target).catch(() => undefined);
  if (present && !force) {
    throw new GantryError('CONFLICT', `"${target}" is there already`, { hint: 'Replace it with --force.' });
  }
  await mkdir(dirname(target), { recursive: true });
  if (entry.type === 'link') {
    await rm(target, { force: true });
    return symlink(entry.target ?? '', target);
  }
  const draft = `${target}.${process.pid}.part`;
  try {
    await pipeline(Readable.from(counted(volume.readFile(entry.path), report)), createWriteStream(draft));
    await chmod(draft, entry.mode ?? 0o644);
    await utimes(draft, new Date(entry.mtimeMs), new Date(entry.mtimeMs));
    await rename(draft, target);
  } finally {
    await rm(draft, { force: true });
  }
  report(0, 1);
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
  return (await lstat(path).catch(() => undefined))?.isDirectory() ?? false;
}
