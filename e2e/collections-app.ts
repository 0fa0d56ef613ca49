import { App, Dict, Queue } from 'gantry';

const app = new App('collections');

const counts = Dict.fromName<string, number>('counts', { createIfMissing: true });
const jobs = Queue.fromName<{ number: number }>('jobs', { createIfMissing: true });

/** Takes jobs until none comes for a second, and counts each. */
export const work = app.function({ maxContainers: 2 }, async () => {
  let done = 0;
  for (;;) {
    const job = await jobs.get({ timeoutMs: 1_000 }).catch(() => undefined);
    if (!job) return done;
    await counts.put(`job-${job.number}`, job.number ** 2);
    done++;
  }
});

/** What it is given, a dict and a queue, is the caller's. */
export const reply = app.function(async (dict: Dict<string, Uint8Array>, queue: Queue<string>) => {
  const bytes = (await dict.get('in')) ?? new Uint8Array();
  await dict.put('out', new Uint8Array(bytes.length).fill(9));
  await queue.putMany([`${bytes.length} bytes`, 'done']);
  await using own = await Queue.ephemeral<number>();
  await own.put(1);
  return await own.get();
});

/** Says that it waits, and waits. */
export const wait = app.function(async (queue: Queue<string>) => {
  await queue.put('waits', { partition: 'state' });
  return await queue.get();
});

export const restricted = app.function({ restrictAccess: true }, async (dict: Dict<string, number>) => {
  const tries = {
    get: () => dict.get('x'),
    put: () => counts.put('x', 1),
    take: () => jobs.get({ block: false }),
  };
  const ends: string[] = [];
  for (const attempt of Object.values(tries)) {
    ends.push(await attempt().then(String, (error: Error) => `${error.name}: ${error.message}`));
  }
  return ends;
});
