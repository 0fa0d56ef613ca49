import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { App, enter, method, NetworkFileSystem, Volume } from 'gantry';

const shared = Volume.fromName('shared', { createIfMissing: true });
const models = Volume.fromName('models', { createIfMissing: true });

// Relative to the working directory: plain processes can have them, too.
export const app = new App('mounted', { volumes: { 'data/shared': shared } });

/** The other one of the canonical pair: writes, and commits. */
export const f = app.function(async (name: string, text: string) => {
  await writeFile(`data/shared/${name}`, text);
  await shared.commit();
});

/** Stays warm, and sees what it saw unless it reloads. */
export const g = app.function(
  { maxContainers: 1, scaledownWindowMs: 1_200_000 },
  async (name: string, reload: boolean = false) => {
    if (reload) await shared.reload();
    return existsSync(`data/shared/${name}`) ? await readFile(`data/shared/${name}`, 'utf8') : null;
  },
);

/** Each call in a container of its own, to a file of its own. */
export const put = app.function({ maxInputsPerContainer: 1 }, async (name: string) => {
  await mkdir('data/shared/many', { recursive: true });
  await writeFile(`data/shared/many/${name}`, name);
});

/** A training run that gets nowhere within its time, and goes on from where it was. */
export const train = app.function(
  { timeoutMs: 4_000, retries: { maxRetries: 10, initialDelayMs: 0 }, volumes: { runs: models } },
  async (steps: number) => {
    const begin = existsSync('runs/step') ? Number(await readFile('runs/step', 'utf8')) : 0;
    for (let step = begin; step < steps; step++) {
      await delay(500);
      await writeFile('runs/step.part', String(step + 1));
      await rename('runs/step.part', 'runs/step');
    }
    return { begin, end: steps };
  },
);

/** Its files are made once, when the first container starts. */
@app.cls({ volumes: { models: models.withMountOptions({ subPath: 'weights' }) } })
export class Model {
  #weights = '';
  @enter() async load() {
    if (!existsSync('models/v1.bin')) await writeFile('models/v1.bin', 'weights');
    this.#weights = await readFile('models/v1.bin', 'utf8');
    await models.commit();
  }
  @method() weights() {
    return this.#weights;
  }
}

/** Says what is in the files that its caller gave it. */
export const reads = app.function(async (path: string) => {
  return existsSync(path) ? await readFile(path, 'utf8') : null;
});

const notes = NetworkFileSystem.fromName('notes', { createIfMissing: true });
const withNotes = { networkFileSystems: { notes }, maxContainers: 1, scaledownWindowMs: 1_200_000 };

/** Two functions, so two containers, that share files without a word about commits. */
export const note = app.function(withNotes, async (name: string, text: string) => {
  await writeFile(`notes/${name}`, text);
});
export const noted = app.function(withNotes, async (name: string) => {
  return existsSync(`notes/${name}`) ? await readFile(`notes/${name}`, 'utf8') : null;
});

/** Uses a volume as programs outside do. */
const useFromInside = async (content: string) => {
  const other = Volume.fromName('other', { createIfMissing: true });
  await other.batchUpload((batch) => batch.putFile(Buffer.from(content), 'a/b.txt'), { force: true });
  await other.copyFiles(['a/b.txt'], 'c.txt');
  await other.removeFile('a', { recursive: true });
  const paths = (await other.listdir('/', { recursive: true })).map(({ path }) => path);
  let sizeBytes = 0;
  for await (const chunk of other.readFile('c.txt')) sizeBytes += chunk.length;
  const missing = await other
    .readFile('missing')
    .next()
    .catch((error: Error) => error.name);
  return { paths, sizeBytes, missing };
};

export const inside = app.function(async (count: number) => useFromInside('x'.repeat(count)));

/** The same, but its code is not trusted: what it was given is all that it has. */
export const barred = app.function({ restrictAccess: true }, async () => {
  await writeFile('data/shared/barred.txt', 'given');
  await shared.commit();
  return useFromInside('x').catch((error: unknown) => (error as { code?: string }).code ?? 'none');
});

/** Commits one text, writes another, and waits; run again, it keeps what it finds. */
export const survive = app.function(async (committed: string, later: string) => {
  if (existsSync('data/shared/survive')) {
    const found = await readFile('data/shared/survive', 'utf8');
    await writeFile('data/shared/found', found);
    await shared.commit();
    return;
  }
  await writeFile('data/shared/survive', committed);
  await shared.commit();
  await writeFile('data/shared/survive', later);
  await delay(600_000);
});
