import { mkdir, rm, writeFile } from 'node:fs/promises';

import { App, Volume } from 'gantry';

import { contentsOf, writeFiles } from '../new-files.ts';

const FOLDER = 'large/files';

const large = Volume.fromName('large', { createIfMissing: true });
const many = Volume.fromName('many', { createIfMissing: true });

export const app = new App('bench-volumes', { scaledownWindowMs: 600_000, timeoutMs: 900_000 });

/** Removes what was written before; or writes files, commits them, and says how many milliseconds that took. */
export const replaceFiles = app.function(
  { volumes: { large }, maxContainers: 1 },
  async (act: 'remove' | 'write', files: number, fileBytes: number): Promise<number> => {
    if (act === 'remove') {
      await rm(FOLDER, { recursive: true, force: true });
      await large.commit();
      return 0;
    }
    const contents = contentsOf(fileBytes);
    await mkdir(FOLDER, { recursive: true });
    const startedMs = performance.now();
    await writeFiles(FOLDER, files, contents);
    await large.commit();
    return performance.now() - startedMs;
  },
);

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
