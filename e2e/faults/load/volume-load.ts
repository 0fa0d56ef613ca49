import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

import { RemoteFunction, type Volume } from 'gantry';

import type { read, write } from './volume-app.ts';

const BETWEEN_MS = 50;
const AFTER_FAILURE_MS = 200;
const LANES = 2;
const PAIRS = 2;
/** Bytes that a file of a pair has beside one for each round. */
const LEAST_BYTES = 100_000;

/** What is known of something that is written round by round. */
interface Rounds {
  answered: number;
  tried: number;
}

/** Containers and programs that write, commit, reload and read one volume, and what each of them saw. */
export class VolumeLoad {
  readonly problems: string[] = [];
  readonly failures: string[] = [];
  readonly done = new Map<string, number>();
  readonly #volume: Volume;
  readonly #lanes: Rounds[] = newRounds(LANES);
  readonly #pairs: Rounds[] = newRounds(PAIRS);
  readonly #trash: Rounds = { answered: 0, tried: 0 };
  #isRunning = true;
  #loops: Promise<void>[] = [];

  constructor(volume: Volume) {
    this.#volume = volume;
  }

  start(): void {
    this.#loops = [
      ...this.#lanes.map((rounds, lane) => this.#repeat('commits', () => this.#writeLane(lane, rounds))),
      ...this.#pairs.map((rounds, pair) => this.#repeat('uploads', () => this.#uploadPair(pair, rounds))),
      this.#repeat('reloads', () => this.#readLanes()),
      this.#repeat('listings', () => this.checkPairs()),
      this.#repeat('removals', () => this.#replaceTrash()),
    ];
  }

  async finish(): Promise<void> {
    this.#isRunning = false;
    await Promise.all(this.#loops);
  }

  /** Reads everything there is, when nothing is written any more. */
  async checkAll(): Promise<void> {
    await this.#readLanes();
    await this.checkPairs();
    for await (const { path, type, sizeBytes } of this.#volume.iterdir('/')) {
      if (type !== 'file') continue;
      const content = await buffer(this.#volume.readFile(path));
      if (content.length !== sizeBytes)
        this.problems.push(`"${path}" has ${content.length} of ${sizeBytes} bytes`);
    }
  }

  /** Both files of a pair are of one round, whatever is seen, and no round that was answered is lost. */
  async checkPairs(): Promise<void> {
    const before = this.#pairs.map(({ answered }) => answered);
    const sizes = new Map<string, number>();
    for await (const { path, sizeBytes } of this.#volume.iterdir('/pairs')) sizes.set(path, sizeBytes);
    for (const [pair, rounds] of this.#pairs.entries()) {
      const [a, b] = ['a', 'b'].map((name) => sizes.get(`pairs/${pair}/${name}`));
      if (a !== b) this.problems.push(`pair ${pair} is ${a} and ${b}: half of an upload`);
      this.#check(`pair ${pair}`, {
        round: (a ?? LEAST_BYTES) - LEAST_BYTES,
        atLeast: before[pair] ?? 0,
        rounds,
      });
    }
  }

  async #writeLane(lane: number, rounds: Rounds): Promise<void> {
    const round = ++rounds.tried;
    rounds.answered = await RemoteFunction.fromName<typeof write>('volume-faults', 'write').remote(
      lane,
      round,
    );
  }

  async #readLanes(): Promise<void> {
    const before = this.#lanes.map(({ answered }) => answered);
    // The first round of a lane may take long, while another one is written: there is no file of it then.
    const seen = new Map(await RemoteFunction.fromName<typeof read>('volume-faults', 'read').remote());
    for (const [lane, rounds] of this.#lanes.entries()) {
      const round = seen.has(lane) ? seen.get(lane) : 0;
      if (round === undefined) this.problems.push(`lane ${lane} is no whole file`);
      else this.#check(`lane ${lane}`, { round, atLeast: before[lane] ?? 0, rounds });
    }
  }

  async #uploadPair(pair: number, rounds: Rounds): Promise<void> {
    const round = ++rounds.tried;
    await this.#volume.batchUpload(
      (batch) => {
        for (const name of ['a', 'b']) {
          batch.putFile(
            Buffer.alloc(LEAST_BYTES + round, `${pair} ${name} ${round} `),
            `/pairs/${pair}/${name}`,
          );
        }
      },
      { force: true },
    );
    rounds.answered = round;
  }

  async #replaceTrash(): Promise<void> {
    const round = ++this.#trash.tried;
    await this.#volume.batchUpload(
      (batch) => batch.putFile(Buffer.alloc(1_000, `${round}`), `/trash/${round}`),
      {
        force: true,
      },
    );
    await this.#volume.removeFile(`/trash/${round}`);
  }

  #check(what: string, { round, atLeast, rounds }: { round: number; atLeast: number; rounds: Rounds }): void {
    if (round >= atLeast && round <= rounds.tried) return;
    this.problems.push(`${what} is of round ${round}, not of ${atLeast} to ${rounds.tried}`);
  }

  async #repeat(what: string, act: () => Promise<void>): Promise<void> {
    while (this.#isRunning) {
      try {
        await act();
        this.done.set(what, (this.done.get(what) ?? 0) + 1);
        await delay(BETWEEN_MS);
      } catch (error) {
        this.failures.push(`${what}: ${String(error)}`);
        await delay(AFTER_FAILURE_MS);
      }
    }
  }
}

function newRounds(count: number): Rounds[] {
  return Array.from({ length: count }, () => ({ answered: 0, tried: 0 }));
}
