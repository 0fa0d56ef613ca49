import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { App, Volume } from 'gantry';

const run = promisify(execFile);
const BLOCK_BYTES = 4 * 1024 * 1024;
const FILES_AT_ONCE = 8;

const large = Volume.fromName('large', { createIfMissing: true });
const many = Volume.fromName('many', { createIfMissing: true });

export const app = new App('bench-volumes', { scaledownWindowMs: 600_000, timeoutMs: 900_000 });

/** Milliseconds that it takes to write files into a volume and to commit them. */
export const writeAndCommit = app.function(
  { volumes: { large }, maxContainers: 1 },
  async (files: number, fileBytes: number): Promise<number> => {
    await rm('large/files', { recursive: true, force: true });
    await large.commit();
    const write = await writerOf('large/files', files, fileBytes);
    const startedMs = performance.now();
    await write();
    await large.commit();
    return performance.now() - startedMs;
  },
);

/** Milliseconds that `cp` and `sync` take for as many bytes, on the disk where this container writes. */
export const copyAndSync = app.function(async (files: number, fileBytes: number): Promise<number> => {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-bench-'));
  try {
    const write = await writerOf(join(folder, 'from'), files, fileBytes);
    await write();
    await run('sync', ['--file-system', folder]);
    const startedMs = performance.now();
    await run('cp', ['-r', join(folder, 'from'), join(folder, 'to')]);
    await run('sync', ['--file-system', folder]);
    return performance.now() - startedMs;
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** Milliseconds that each commit of one changed file takes. */
export const commitOne = app.function(
  { volumes: { many }, maxContainers: 1 },
  async (rounds: number): Promise<number[]> => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await writeFile(`many/d${round % 100}/changed`, `${round} ${Math.random()}`);
      const startedMs = performance.now();
      await many.commit();
      times.push(performance.now() - startedMs);
    }
    return times;
  },
);

/** Writes files of which no two blocks are equal, nor equal to those of another time. */
async function writerOf(folder: string, files: number, fileBytes: number): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  const random = randomBytes(fileBytes);
  const one = async (index: number): Promise<void> => {
    const content = Buffer.from(random);
    for (let at = 0; at < fileBytes; at += BLOCK_BYTES) content.writeUInt32LE(index, at);
    await writeFile(join(folder, String(index)), content);
  };
  return async () => {
    for (let first = 0; first < files; first += FILES_AT_ONCE) {
      const count = Math.min(FILES_AT_ONCE, files - first);
      await Promise.all(Array.from({ length: count }, (_, at) => one(first + at)));
    }
  };
}
