import { readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';

import type { Checkpoint } from './experiment.ts';

const LATEST = 'latest';

/** What is saved of an experiment, if it is further than this checkpoint and not too far; else the checkpoint. */
export async function furthest(folder: string, from: Checkpoint, toStep: number): Promise<Checkpoint> {
  const saved = await readFile(join(folder, fileOf(from))).catch(() => undefined);
  if (!saved) return from;
  const checkpoint = deserialize(saved) as Checkpoint;
  return checkpoint.step > from.step && checkpoint.step <= toStep ? checkpoint : from;
}

/** Saves a checkpoint; `latest` leads to it. Whoever reads finds the old one or the new one, and nothing in between. */
export async function save(folder: string, checkpoint: Checkpoint): Promise<void> {
  const name = fileOf(checkpoint);
  await writeFile(join(folder, `${name}.part`), serialize(checkpoint));
  await rename(join(folder, `${name}.part`), join(folder, name));
  const link = join(folder, `${LATEST}.part`);
  await rm(link, { force: true });
  await symlink(name, link);
  await rename(link, join(folder, LATEST));
}

function fileOf({ experiment }: Checkpoint): string {
  return `${experiment.name.replaceAll(' ', '_')}.checkpoint`;
}

/** All that is saved, by names. */
export async function allSaved(folder: string): Promise<Checkpoint[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.checkpoint')).sort();
  return Promise.all(
    names.map(async (name) => deserialize(await readFile(join(folder, name))) as Checkpoint),
  );
}
