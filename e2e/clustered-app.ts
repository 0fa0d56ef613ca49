import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

import {
  App,
  clustered,
  currentSignal,
  Dict,
  enter,
  getClusterInfo,
  method,
  simulatePreemption,
} from 'gantry';

const app = new App('clustered');

const PORT = 9_000;
/** How often a job has begun in which rank, and in which attempt it was aborted there. */
const notes = Dict.fromName<string, number>('cluster-notes', { createIfMissing: true });

export interface Job {
  name: string;
  /** In which rank the code fails, how, and how often before it does not any more. */
  failure?: { rank: number; by: 'throwing' | 'dying' | 'preemption'; times: number };
  /** It goes on until it is aborted. */
  isEndless?: boolean;
  /** And then, too. */
  isDeaf?: boolean;
}

export interface Result {
  id: string;
  pid: number;
  addresses: readonly string[];
  /** What each rank has as the sum of all numbers. */
  sums: number[];
}

export class TeamError extends Error {
  override name = 'TeamError';
}

/** Three containers add up their numbers, and all of them know the sum. */
export const team = app.function(
  { retries: { maxRetries: 1, initialDelayMs: 0 }, maxContainers: 1, scaledownWindowMs: 600_000 },
  clustered({ size: 3 }, async (job: Job): Promise<Result> => {
    const { id, rank, size, addresses } = getClusterInfo();
    const attempt = await countBegun(job, rank);
    const { failure } = job;
    const fails = failure?.rank === rank && attempt <= failure.times;
    if (fails) {
      if (failure.by === 'throwing') throw new TeamError('it will not add');
      if (failure.by === 'dying') process.kill(process.pid, 'SIGKILL');
      simulatePreemption(0);
    }
    const abort = currentSignal() ?? AbortSignal.abort();
    // Without the one that fails there is no sum.
    const sums =
      job.isEndless || fails
        ? never()
        : rank === 0
          ? gather(size, addresses[0], abort)
          : contribute(rank + 1, addresses[0], abort);
    const ended = await Promise.race([sums, aborted(abort)]);
    if (ended === 'aborted') {
      await notes.put(`${job.name} aborted ${rank}`, attempt);
      if (job.isDeaf) await never();
      throw abort.reason;
    }
    console.log(`knows the sum in ${job.name}`);
    return { id, pid: process.pid, addresses, sums: ended };
  }),
);

/** A class whose hooks know their gang already. */
@app.cls()
@clustered({ size: 2 })
export class Pair {
  seen = '';
  @enter() look(): void {
    const { rank, size } = getClusterInfo();
    this.seen = `${rank} of ${size}`;
  }
  @method() where(): string {
    return this.seen;
  }
}

/** Rank 0: adds up what comes, tells everybody, and hears what they got. */
async function gather(size: number, address = '', abort: AbortSignal): Promise<number[]> {
  if (abort.aborted) return await never();
  const server = createServer();
  const others: Socket[] = [];
  server.on('connection', (socket) => others.push(socket.on('error', () => undefined)));
  const close = (): void => {
    server.close();
    for (const socket of others) socket.destroy();
  };
  abort.addEventListener('abort', close);
  await once(server.listen(PORT, address), 'listening');
  while (others.length < size - 1) await once(server, 'connection');
  const lines = others.map((socket) => createInterface(socket)[Symbol.asyncIterator]());
  const next = async (): Promise<number[]> =>
    Promise.all(lines.map(async (line) => Number((await line.next()).value)));
  const sum = (await next()).reduce((all, number) => all + number, 1);
  for (const socket of others) socket.write(`${sum}\n`);
  const heard = await next();
  close();
  return [sum, ...heard];
}

async function contribute(number: number, address = '', abort: AbortSignal): Promise<number[]> {
  const socket = await reach(address, abort);
  const answer = once(createInterface(socket), 'line');
  socket.write(`${number}\n`);
  const [sum] = (await answer) as [string];
  socket.write(`${sum}\n`);
  await once(socket, 'close');
  return [Number(sum)];
}

/** Rank 0 may not listen yet. */
async function reach(host: string, abort: AbortSignal): Promise<Socket> {
  for (;;) {
    if (abort.aborted) await never();
    const socket = connect({ host, port: PORT });
    try {
      await once(socket, 'connect');
      abort.addEventListener('abort', () => socket.destroy());
      return socket;
    } catch {
      await delay(20);
    }
  }
}

async function aborted(signal: AbortSignal): Promise<'aborted'> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  return 'aborted';
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

/** How often it has begun in this rank. */
async function countBegun({ name }: Job, rank: number): Promise<number> {
  const key = `${name} begun ${rank}`;
  const count = ((await notes.get(key)) ?? 0) + 1;
  await notes.put(key, count);
  return count;
}
