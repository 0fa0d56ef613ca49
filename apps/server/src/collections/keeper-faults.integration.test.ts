import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { machineId } from '@gantry/containers';
import { connectMessaging, type Messaging } from '@gantry/messaging';
import type {
  CollectionOperation,
  CollectionRecord,
  DictTablePlace,
  DictValue,
  Payload,
} from '@gantry/protocol';
import {
  Actor,
  faultRounds,
  type Random,
  startNats,
  temporaryDirectory,
  type TestNats,
} from '@gantry/testing';
import { expect, it } from 'vitest';

import { readOpenTable } from './dict-table.fixture.ts';
import type { KeeperRequest, KeeperSetup } from './keeper-faults.fixture.ts';
import { askKeeper, takeOne } from './taken-item.fixture.ts';

const PROGRAM = join(import.meta.dirname, 'keeper-faults.fixture.ts');
/** So long a server leads that has not heard that it goes on. */
const LEASE_MS = 1_000;
/** And so long after that nobody else does. */
const MARGIN_MS = 1_000;
const HELD_EVERY_MS = 200;
/** How long a round lasts, apart from what it takes to start what was killed. */
const FAULT_WITHIN_MS = 150;
/** Longer than an item is lent to who does not confirm it. */
const QUIET_MS = 12_000;
const KEYS = 10;
/** What a keeper had of requests when it was killed is asked again after seconds: the others go on. */
const LANES = Array.from({ length: 24 }, (_, lane) => lane);
/** In a program that is killed: so many items at most go with it. */
const LANES_ELSEWHERE = 2;
const ITEMS_BETWEEN = 20;

type Fault = 'keeper' | 'pause' | 'nats' | 'taker';

/** Programs that put, take and write, the servers that keep it, and what each program was told. */
class Traffic {
  readonly accepted: number[] = [];
  readonly taken: number[] = [];
  /** By key, the last value whose write was answered, and the last that was tried. */
  readonly written = new Map<string, { answered: number; tried: number }>();
  readonly problems: string[] = [];
  failures = 0;
  takersKilled = 0;
  readsOfTables = 0;
  readonly #setup: KeeperSetup;
  readonly #nats: TestNats;
  readonly #random: Random;
  readonly #messaging: Messaging;
  #queueId = '';
  #dictId = '';
  #next = 0;
  #isPutting = true;
  #isTaking = true;
  #loops: Promise<void>[] = [];
  #keeper: Actor<KeeperRequest> | undefined;
  #standby: Promise<Actor<KeeperRequest>>;
  #taker: Promise<Actor<KeeperRequest>>;
  #holding: NodeJS.Timeout | undefined;
  readonly #paused = new Set<Actor<KeeperRequest>>();

  constructor(
    messaging: Messaging,
    { nats, folder, random }: { nats: TestNats; folder: string; random: Random },
  ) {
    this.#messaging = messaging;
    this.#nats = nats;
    this.#random = random;
    this.#setup = { natsUrl: nats.url, folder };
    this.#standby = this.#startActor();
    this.#taker = this.#startActor();
  }

  async start(): Promise<void> {
    await this.#lead();
    const open = async (kind: 'dict' | 'queue'): Promise<string> => {
      const found = await this.#ask({
        do: 'open',
        kind,
        environment: 'main',
        name: 'faults',
        createIfMissing: true,
      });
      return (found as CollectionRecord).id;
    };
    [this.#queueId, this.#dictId] = [await open('queue'), await open('dict')];
    const repeat = async (goesOn: () => boolean, act: () => Promise<void>): Promise<void> => {
      while (goesOn()) await act().catch(() => void this.failures++);
    };
    const isPutting = (): boolean => this.#isPutting;
    const isTaking = (): boolean => this.#isTaking;
    this.#loops = [
      ...LANES.map(() => repeat(isPutting, () => this.#put())),
      ...LANES.map((lane) => repeat(isPutting, () => this.#write(lane))),
      ...LANES.map(() => repeat(isTaking, () => this.#take(() => takeOne(this.#messaging, this.#queueId)))),
      ...LANES.slice(0, LANES_ELSEWHERE).map(() => repeat(isTaking, () => this.#takeElsewhere())),
      repeat(isPutting, () => this.#readTable()),
    ];
  }

  /** Once all goes well again. */
  async strike(fault: Fault): Promise<void> {
    const before = this.accepted.length;
    while (this.accepted.length < before + ITEMS_BETWEEN) await delay(5);
    await delay(this.#random.integer(0, FAULT_WITHIN_MS));
    switch (fault) {
      case 'nats':
        // A first connection is not tried twice.
        await Promise.all([this.#standby, this.#taker]);
        this.#nats.kill();
        await delay(this.#random.integer(0, 300));
        return await this.#nats.restart();
      case 'taker':
        this.takersKilled++;
        await (await this.#taker).kill();
        this.#taker = this.#startActor();
        return;
      case 'keeper':
        clearInterval(this.#holding);
        await this.#keeper?.kill();
        await delay(MARGIN_MS);
        return await this.#lead();
      case 'pause':
        return await this.#pause();
    }
  }

  /** Puts no more; resolves when all that was put is out, and nothing came for longer than items are lent. */
  async drain(): Promise<void> {
    this.#isPutting = false;
    for (let seen = -1, sinceMs = 0; ;) {
      if (this.taken.length !== seen) [seen, sinceMs] = [this.taken.length, performance.now()];
      const isQuiet = performance.now() - sinceMs > QUIET_MS || this.#missing().length === 0;
      if (isQuiet && (await this.#ask({ do: 'queue.len', id: this.#queueId })) === 0) break;
      await delay(100);
    }
    this.#isTaking = false;
    await Promise.all(this.#loops);
  }

  async check(): Promise<void> {
    const times = new Map<number, number>();
    for (const item of this.taken) times.set(item, (times.get(item) ?? 0) + 1);
    for (const [item, count] of times) if (count > 1) this.problems.push(`item ${item} came ${count} times`);
    const lost = this.#missing();
    // One that is killed between the confirmation of a receipt and its next line takes the item with it.
    if (lost.length > LANES_ELSEWHERE * this.takersKilled)
      this.problems.push(`items ${lost.slice(0, 5).join()} are lost`);
    for (const [key, { answered, tried }] of this.written) {
      const found = (await this.#ask({ do: 'dict.get', id: this.#dictId, key })) as DictValue;
      const value = found.value === undefined ? 0 : numberIn(found.value);
      if (value >= answered && value <= tried) continue;
      this.problems.push(`${key} is ${value}, not ${answered} to ${tried}`);
    }
  }

  async close(): Promise<void> {
    this.#isPutting = this.#isTaking = false;
    clearInterval(this.#holding);
    for (const actor of this.#paused) await actor.kill();
    await this.#keeper?.kill();
    for (const actor of [this.#standby, this.#taker]) await (await actor).kill();
    await this.#messaging.close();
  }

  /** The standby leads, and another one stands by. */
  async #lead(): Promise<void> {
    clearInterval(this.#holding);
    const keeper = await this.#standby;
    this.#standby = this.#startActor();
    this.#keeper = keeper;
    await keeper.ask({ do: 'lead', untilMs: Date.now() + LEASE_MS });
    this.#holding = setInterval(
      () => void keeper.ask({ do: 'hold', untilMs: Date.now() + LEASE_MS }),
      HELD_EVERY_MS,
    );
  }

  /** Who leads stands still until another one has led for a while, and wakes up. */
  async #pause(): Promise<void> {
    const paused = this.#keeper;
    if (!paused) return;
    paused.pause();
    this.#paused.add(paused);
    clearInterval(this.#holding);
    await delay(LEASE_MS + MARGIN_MS);
    await this.#lead();
    await delay(this.#random.integer(0, FAULT_WITHIN_MS));
    paused.resume();
    await delay(this.#random.integer(0, FAULT_WITHIN_MS));
    await paused.kill();
    this.#paused.delete(paused);
  }

  #startActor(): Promise<Actor<KeeperRequest>> {
    return Actor.start<KeeperRequest>(PROGRAM, this.#setup);
  }

  #missing(): number[] {
    const taken = new Set(this.taken);
    return this.accepted.filter((item) => !taken.has(item));
  }

  #ask(operation: CollectionOperation): Promise<unknown> {
    return askKeeper(this.#messaging, operation);
  }

  async #put(): Promise<void> {
    const item = this.#next++;
    const put = { do: 'queue.put', id: this.#queueId, partition: '', values: [bytesOf(item)] } as const;
    // Items are in it for a day; what does not fit waits.
    if (await this.#ask({ ...put, values: [bytesOf(item)], ttlMs: 86_400_000, waitMs: 300 }))
      this.accepted.push(item);
    await delay(1);
  }

  async #take(take: () => Promise<number | null | undefined>): Promise<void> {
    const item = await take();
    if (item === undefined || item === null) await delay(1);
    else this.taken.push(item);
  }

  /** In a program that may be killed. */
  async #takeElsewhere(): Promise<void> {
    const taker = await this.#taker;
    await this.#take(() => taker.ask<number | null>({ do: 'take', id: this.#queueId }));
  }

  async #write(lane: number): Promise<void> {
    const key = `lane-${lane}-${this.#random.integer(0, KEYS)}`;
    const before = this.written.get(key) ?? { answered: 0, tried: 0 };
    const tried = before.tried + 1;
    this.written.set(key, { ...before, tried });
    const put = { do: 'dict.put', id: this.#dictId, key: { id: key, bytes: Buffer.from(key) } } as const;
    await this.#ask({ ...put, value: bytesOf(tried), skipIfExists: false });
    this.written.set(key, { answered: tried, tried });
    await delay(1);
  }

  /** As a container does: what is not there, or not valid, is asked for. */
  async #readTable(): Promise<void> {
    const operation = { do: 'dict.table', id: this.#dictId, machine: machineId() } as const;
    const { path = '' } = (await this.#ask(operation)) as DictTablePlace;
    const file = openSync(path, 'r');
    try {
      while (this.#isPutting) {
        const missing = [...this.written.keys()].filter((key) => this.#isMissing(file, key));
        if (typeof readOpenTable(file, '') === 'string') return;
        const key = missing[this.#random.integer(0, missing.length - 1)];
        if (key !== undefined) await this.#ask({ do: 'dict.get', id: this.#dictId, key });
        await delay(1);
      }
    } finally {
      closeSync(file);
    }
  }

  #isMissing(file: number, key: string): boolean {
    const found = readOpenTable(file, key);
    if (typeof found !== 'object') return true;
    this.readsOfTables++;
    const value = numberIn(found);
    const { answered, tried } = this.written.get(key) ?? { answered: 0, tried: 0 };
    if (value >= answered && value <= tried) return false;
    this.problems.push(`${key} was ${value} in a table, not ${answered} to ${tried}`);
    return false;
  }
}

/** Enough of them that journals are written again and trimmed all the while. */
const VALUE_BYTES = 2_000;

function numberIn(value: Payload): number {
  return Number(Buffer.from(value as Uint8Array).toString());
}

function bytesOf(value: number): Uint8Array {
  return Buffer.from(String(value).padEnd(VALUE_BYTES));
}

it(
  'no item is lost or comes twice, and no entry is older than answered, whoever keeps, stores or takes them is killed or paused',
  { timeout: 3600_000 },
  async () => {
    const { rounds, random, again } = faultRounds(8);
    await using folder = await temporaryDirectory('gantry-keeper-faults-');
    await using nats = await startNats({ syncAlways: true, storeDir: join(folder.path, 'nats') });
    const messaging = await connectMessaging({ url: nats.url, name: 'test' });
    await messaging.ensureStreams();
    const traffic = new Traffic(messaging, {
      nats,
      folder: join(folder.path, 'blobs'),
      random: random.fork(),
    });
    try {
      await traffic.start();
      let deck: Fault[] = [];
      for (let round = 0; round < rounds; round++) {
        if (deck.length === 0) deck = random.shuffle(['keeper', 'keeper', 'pause', 'nats', 'taker']);
        await traffic.strike(deck.pop() ?? 'keeper');
      }
      await traffic.drain();
      await traffic.check();
    } finally {
      await traffic.close();
    }
    const { accepted, taken, failures, takersKilled } = traffic;
    console.log(
      again,
      `${accepted.length} items accepted, ${taken.length} taken, ${takersKilled} takers killed`,
    );
    console.log(`${failures} requests failed, ${traffic.readsOfTables} reads of tables`);
    expect(traffic.readsOfTables).toBeGreaterThan(1_000);
    expect(traffic.problems, again).toEqual([]);
  },
);
