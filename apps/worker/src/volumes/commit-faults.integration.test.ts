import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { type BlobStore, type BlobStoreConfig, openBlobStore } from '@gantry/blobs';
import { connectMessaging, type Messaging, volumeHeads } from '@gantry/messaging';
import {
  ANY_ENVIRONMENT,
  Actor,
  faultRounds,
  minioAvailable,
  type Random,
  startMinio,
  startNats,
  temporaryDirectory,
  type TestMinio,
  type TestNats,
} from '@gantry/testing';
import { blobPages, VolumeDirectory, VolumeStore } from '@gantry/volumes';
import { expect, it } from 'vitest';

import type { LaneRound, WorkerRequest, WorkerSetup } from './commit-faults.fixture.ts';

const PROGRAM = join(import.meta.dirname, 'commit-faults.fixture.ts');
/** So long a worker may be paused, and others go on with what it did. */
const LEASE_MS = 1_000;
const HELD_EVERY_MS = 200;
/** The second one has a block of its own, and more than a thread takes at once. */
const SIZES = [60_000, 5 * 1024 * 1024];
/** Longer than what is done for a round takes: faults come before, in and after it. */
const FAULT_WITHIN_MS = 250;
const CLIENT = 'client';
const READER = 'reader';

type Fault = 'worker' | 'pause' | 'nats' | 'minio' | 'server';

/** What is known of something that is written round by round. */
interface Lane {
  name: string;
  answered: number;
  tried: number;
}

interface Platform {
  nats: TestNats;
  minio?: TestMinio;
  blobs: BlobStoreConfig;
  folder: string;
  random: Random;
}

/** Workers and a server that write one volume, what they were asked for, and what is in the volume. */
class Rounds {
  readonly problems: string[] = [];
  answered = 0;
  unanswered = 0;
  readonly #platform: Platform;
  readonly #messaging: Messaging;
  readonly #blobs: BlobStore;
  readonly #volumeId: string;
  readonly #lanes = new Map<string, Lane>();
  readonly #actors = new Map<string, Actor<WorkerRequest>>();
  #started = 0;
  #holding: NodeJS.Timeout | undefined;

  private constructor(
    platform: Platform,
    opened: { messaging: Messaging; blobs: BlobStore; volumeId: string },
  ) {
    this.#platform = platform;
    this.#messaging = opened.messaging;
    this.#blobs = opened.blobs;
    this.#volumeId = opened.volumeId;
  }

  static async open(platform: Platform): Promise<Rounds> {
    const messaging = await connectMessaging({ url: platform.nats.url, name: 'test' });
    await messaging.ensureStreams();
    const blobs = await openBlobStore(platform.blobs);
    const directory = new VolumeDirectory({
      ...{ registry: messaging.registry, store: newStore(messaging, blobs), blobs },
      pause: (ms) => delay(ms),
      environments: ANY_ENVIRONMENT,
    });
    const { id } = await directory.create('main', `faults-${platform.blobs.type}`, { mustBeNew: true });
    return new Rounds(platform, { messaging, blobs, volumeId: id });
  }

  async close(): Promise<void> {
    clearInterval(this.#holding);
    for (const actor of this.#actors.values()) await actor.kill();
    await this.#messaging.close();
  }

  /** All write at once, and something fails in the middle of it. */
  async run(fault: Fault): Promise<void> {
    const { random } = this.#platform;
    const sizeBytes = random.next() < 0.3 ? SIZES[1] : SIZES[0];
    for (const name of ['worker-0', 'worker-1', READER, CLIENT]) await this.#actor(name);
    this.#hold(true);
    const writes = ['worker-0', 'worker-1', CLIENT].map((name) => this.#write(name, name, sizeBytes ?? 0));
    const reload = this.#reload(CLIENT);
    await delay(random.integer(0, FAULT_WITHIN_MS));
    if (fault === 'pause') await this.#takeOver(sizeBytes ?? 0, writes[0] ?? Promise.resolve(false));
    else if (fault === 'worker')
      await this.#actors.get(random.shuffle(['worker-0', 'worker-1', READER])[0] ?? '')?.kill();
    else if (fault === 'server') await this.#actors.get(CLIENT)?.kill();
    else await this.#restart(fault);
    await Promise.all([...writes, reload]);
    await this.check();
  }

  /** What the volume has is whole, and of a round that may be there; what was answered is not lost. */
  async check(): Promise<void> {
    const store = newStore(this.#messaging, this.#blobs);
    const { tree } = await store.open(this.#volumeId);
    for (const lane of this.#lanes.values()) {
      const [a, b] = [await tree.entry(`${lane.name}-a`), await tree.entry(`${lane.name}-b`)];
      const blocks = [a, b].map((entry) => (entry?.type === 'file' ? entry.blocks : []));
      if (String(blocks[0]) !== String(blocks[1])) this.problems.push(`${lane.name} is half of a commit`);
      const content = await Promise.all((blocks[0] ?? []).map((digest) => this.#blobs.getBytes(digest)));
      const round = Number.parseInt(Buffer.concat(content).subarray(0, 20).toString() || '0');
      if (round >= lane.answered && round <= lane.tried) continue;
      this.problems.push(`${lane.name} is of round ${round}, not of ${lane.answered} to ${lane.tried}`);
    }
    for await (const { path } of tree.walk()) {
      if (!/-[ab]$/.test(path)) this.problems.push(`"${path}" is in the volume`);
    }
    for await (const digest of tree.references(new Set())) await this.#blobs.getBytes(digest);
  }

  /** A worker stands still in the middle of a commit until another one has done, and committed, what comes after. */
  async #takeOver(sizeBytes: number, write: Promise<boolean>): Promise<void> {
    const [paused, other] = [await this.#actor('worker-0'), await this.#actor('worker-1')];
    paused.pause();
    this.#hold(false);
    await delay(LEASE_MS + 50);
    await other.ask({ do: 'fence' });
    const found = await other.ask<number>({ do: 'reload', lane: 'worker-0' });
    const lane = this.#lane('worker-0');
    if (found < lane.answered) this.problems.push(`round ${found} was taken over, not ${lane.answered}`);
    const isDone = await this.#write('worker-1', 'worker-0', sizeBytes);
    if (!isDone) this.problems.push('who took over could not commit');
    paused.resume();
    if ((await write) && found < lane.tried - 1)
      this.problems.push(
        `the commit of round ${lane.tried - 1} was answered after round ${found} was taken over`,
      );
    await paused.kill();
  }

  /** What a container sees after a reload is whole, and no older than what was answered before it. */
  async #reload(laneName: string): Promise<void> {
    const lane = this.#lane(laneName);
    const { answered } = lane;
    try {
      const found = await (await this.#actor(READER)).ask<number>({ do: 'reload', lane: laneName });
      if (found >= answered && found <= lane.tried) return;
      this.problems.push(
        `${laneName} is of round ${found} in a container, not of ${answered} to ${lane.tried}`,
      );
    } catch {
      this.unanswered++;
    }
  }

  async #restart(fault: 'nats' | 'minio'): Promise<void> {
    const server = this.#platform[fault];
    server?.kill();
    await delay(this.#platform.random.integer(0, 300));
    await server?.restart();
  }

  /** Resolves to whether it was answered. */
  async #write(actor: string, laneName: string, sizeBytes: number): Promise<boolean> {
    const lane = this.#lane(laneName);
    const of: LaneRound = { lane: laneName, round: ++lane.tried, sizeBytes };
    const asked = await this.#actor(actor);
    try {
      await asked.ask({ do: actor === CLIENT ? 'upload' : 'write', ...of });
      lane.answered = Math.max(lane.answered, of.round);
      this.answered++;
      return true;
    } catch {
      this.unanswered++;
      return false;
    }
  }

  #lane(name: string): Lane {
    const lane = this.#lanes.get(name) ?? { name, answered: 0, tried: 0 };
    this.#lanes.set(name, lane);
    return lane;
  }

  async #actor(name: string): Promise<Actor<WorkerRequest>> {
    const present = this.#actors.get(name);
    if (present?.isRunning) return present;
    const { nats, blobs, folder } = this.#platform;
    const setup: WorkerSetup = {
      ...{ natsUrl: nats.url, blobs, volumeId: this.#volumeId },
      folder: join(folder, `${name}-${++this.#started}`),
    };
    const started = await Actor.start<WorkerRequest>(PROGRAM, setup);
    this.#actors.set(name, started);
    return started;
  }

  /** Extends what the first worker holds, again and again, or lets it end. */
  #hold(isHeld: boolean): void {
    clearInterval(this.#holding);
    if (!isHeld) return;
    const hold = (): void =>
      void this.#actors.get('worker-0')?.ask({ do: 'hold', untilMs: Date.now() + LEASE_MS });
    hold();
    this.#holding = setInterval(hold, HELD_EVERY_MS);
  }
}

function newStore(messaging: Messaging, blobs: BlobStore): VolumeStore {
  return new VolumeStore({
    heads: volumeHeads(messaging.registry),
    pages: blobPages(blobs),
    nowMs: Date.now,
    pause: (ms) => delay(ms),
    random: Math.random,
  });
}

/** Each kind of fault once before any comes again. */
async function runRounds(
  rounds: Rounds,
  { count, kinds, random }: { count: number; kinds: Fault[]; random: Random },
) {
  let deck: Fault[] = [];
  for (let round = 0; round < count && rounds.problems.length === 0; round++) {
    if (deck.length === 0) deck = random.shuffle(kinds);
    await rounds.run(deck.pop() ?? 'worker');
  }
}

it(
  'a volume on a disk has whole commits alone, and all that were answered, whoever is killed or paused in the middle of one',
  { timeout: 3600_000 },
  async () => {
    const { rounds: count, random, again } = faultRounds(5);
    await using folder = await temporaryDirectory('gantry-commit-faults-');
    await using nats = await startNats({ syncAlways: true, storeDir: join(folder.path, 'nats') });
    const blobs = { type: 'disk', path: join(folder.path, 'blobs') } as const;
    const rounds = await Rounds.open({ nats, blobs, folder: folder.path, random });
    try {
      await runRounds(rounds, { count, random, kinds: ['worker', 'worker', 'pause', 'nats', 'server'] });
    } finally {
      await rounds.close();
    }
    console.log(again, `${rounds.answered} commits answered, ${rounds.unanswered} not`);
    expect(rounds.problems, again).toEqual([]);
  },
);

it.skipIf(!minioAvailable())(
  'a volume on MinIO has whole commits alone, and all that were answered, whoever is killed or paused in the middle of one',
  { timeout: 3600_000 },
  async () => {
    const { rounds: count, random, again } = faultRounds(5);
    await using folder = await temporaryDirectory('gantry-commit-faults-');
    await using nats = await startNats({ syncAlways: true, storeDir: join(folder.path, 'nats') });
    await using minio = await startMinio();
    const { endpoint, accessKey, secretKey } = minio;
    const blobs = { type: 's3', endpoint, accessKey, secretKey, bucket: 'volumes' } as const;
    const rounds = await Rounds.open({ nats, minio, blobs, folder: folder.path, random });
    try {
      await runRounds(rounds, {
        count,
        random,
        kinds: ['worker', 'pause', 'nats', 'minio', 'server'],
      });
    } finally {
      await rounds.close();
    }
    console.log(again, `${rounds.answered} commits answered, ${rounds.unanswered} not`);
    expect(rounds.problems, again).toEqual([]);
  },
);
