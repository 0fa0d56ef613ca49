import { readdir, readFile, rename, writeFile } from 'node:fs/promises';

import { App, Volume } from 'gantry';

const data = Volume.fromName('faults', { createIfMissing: true });

export const app = new App('volume-faults', { volumes: { data }, scaledownWindowMs: 120_000 });

const COPIES = 20_000;

/** Replaces the file of a lane, unless it is of that round or a later one, whole; it is committed when this has returned. */
export const write = app.function(
  { maxContainers: 2, retries: { maxRetries: 5, initialDelayMs: 0 } },
  async (lane: number, round: number): Promise<number> => {
    // Code may run again whose result the caller has, if the broker was killed in that moment.
    await data.reload();
    const path = `data/lane-${lane}`;
    if (Number.parseInt(await readFile(path, 'utf8').catch(() => '0')) >= round) return round;
    await writeFile(`${path}.part`, `${round} `.repeat(COPIES));
    await rename(`${path}.part`, path);
    await data.commit();
    return round;
  },
);

/**
 * What is committed, as a container sees it: lanes with their rounds, of those that have a file; undefined for one that is
 * no whole one.
 */
export const read = app.function(
  { maxContainers: 1, retries: { maxRetries: 5, initialDelayMs: 0 } },
  async (): Promise<[lane: number, round: number | undefined][]> => {
    await data.reload();
    const names = (await readdir('data')).filter((name) => /^lane-\d+$/.test(name));
    return Promise.all(
      names.map(async (name): Promise<[number, number | undefined]> => {
        const text = await readFile(`data/${name}`, 'utf8');
        const [round = ''] = text.split(' ', 1);
        const isWhole = text === `${round} `.repeat(COPIES);
        return [Number(name.slice('lane-'.length)), isWhole ? Number(round) : undefined];
      }),
    );
  },
);
