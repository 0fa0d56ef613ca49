import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { type Dict, type Queue, QueueEmptyError } from 'gantry';

const TAKER = join(import.meta.dirname, 'taker.ts');
const KEYS = 20;

/** Programs that put and take items, and write entries, and what each of them was told. */
export class CollectionLoad {
  /** Items whose put was answered. */
  readonly accepted: number[] = [];
  /** Items in the order in which any taker had them. */
  readonly taken: number[] = [];
  /** Programs that were killed while they took. */
  kills = 0;
  /** The last value of each key whose put was answered, and the last that was tried. */
  readonly written = new Map<string, { answered: number; tried: number }>();
  /** How many of two at once wrote, or removed, the same entry. */
  readonly winners: { claims: number[]; pops: number[] } = { claims: [], pops: [] };
  readonly failures: string[] = [];
  readonly #queue: Queue<number>;
  readonly #dict: Dict<string, number>;
  readonly #env: Record<string, string>;
  #next = 0;
  #isPutting = true;
  #isTaking = true;
  #taker: ChildProcess | undefined;
  #loops: Promise<void>[] = [];

  constructor(queue: Queue<number>, dict: Dict<string, number>, env: Record<string, string>) {
    this.#queue = queue;
    this.#dict = dict;
    this.#env = env;
  }

  start(): void {
    this.#loops = [
      ...[0, 1].map(() =>
        this.#repeat(
          () => this.#isPutting,
          () => this.#put(),
        ),
      ),
      ...[0, 1].map((lane) =>
        this.#repeat(
          () => this.#isPutting,
          () => this.#write(lane),
        ),
      ),
      this.#repeat(
        () => this.#isPutting,
        () => this.#race(),
      ),
      ...[0, 1].map(() =>
        this.#repeat(
          () => this.#isTaking,
          () => this.#take(),
        ),
      ),
    ];
    this.#startTaker();
  }

  /** Kills the program that takes beside this one, in whatever it does, and starts another one. */
  async killTaker(): Promise<void> {
    this.kills++;
    await this.#endTaker();
    this.#startTaker();
  }

  /** Puts no more; resolves when nothing came out for longer than items are lent. */
  async drain(quietMs: number): Promise<void> {
    this.#isPutting = false;
    for (let seen = -1, sinceMs = 0; ;) {
      if (this.taken.length !== seen) [seen, sinceMs] = [this.taken.length, performance.now()];
      if (performance.now() - sinceMs > quietMs && (await this.#queue.len()) === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    this.#isTaking = false;
    await this.#endTaker();
    await Promise.all(this.#loops);
  }

  async #repeat(goesOn: () => boolean, act: () => Promise<void>): Promise<void> {
    while (goesOn()) {
      await act().catch((error: unknown) => void this.failures.push(String(error)));
    }
  }

  async #put(): Promise<void> {
    const item = this.#next++;
    await this.#queue.put(item);
    this.accepted.push(item);
  }

  async #take(): Promise<void> {
    try {
      const item = await this.#queue.get({ timeoutMs: 1_000 });
      if (item !== null) this.taken.push(item);
    } catch (error) {
      if (!(error instanceof QueueEmptyError)) throw error;
    }
  }

  async #write(lane: number): Promise<void> {
    const key = `lane-${lane}-${this.#next % KEYS}`;
    const before = this.written.get(key) ?? { answered: 0, tried: 0 };
    const tried = before.tried + 1;
    this.written.set(key, { ...before, tried });
    await this.#dict.put(key, tried);
    this.written.set(key, { answered: tried, tried });
  }

  async #race(): Promise<void> {
    const key = `race-${this.#next++}`;
    const claims = await Promise.all(
      [1, 2].map((value) => this.#dict.put(key, value, { skipIfExists: true })),
    );
    this.winners.claims.push(claims.filter(Boolean).length);
    const pops = await Promise.allSettled([1, 2].map(() => this.#dict.pop(key)));
    this.winners.pops.push(pops.filter(({ status }) => status === 'fulfilled').length);
  }

  #startTaker(): void {
    const taker = spawn(process.execPath, [TAKER], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...this.#env, QUEUE: this.#queue.name },
    });
    createInterface({ input: taker.stdout }).on('line', (line) => this.taken.push(Number(line)));
    this.#taker = taker;
  }

  async #endTaker(): Promise<void> {
    const taker = this.#taker;
    // One that finds no server at its start ends by itself.
    if (taker?.exitCode !== null || taker.signalCode !== null) return;
    const closed = once(taker, 'close');
    taker.kill('SIGKILL');
    await closed;
  }
}
