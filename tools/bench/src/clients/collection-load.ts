// Drives a dict and a queue, and what they are held against, from one process, and says what it saw.

export interface Store {
  set(key: string, value: string): Promise<unknown>;
  get(key: string): Promise<unknown>;
  put(value: string): Promise<unknown>;
  take(): Promise<unknown>;
}

export interface StoreLoad {
  /** Turns of each store, of how many operations one at a time. */
  serial: { turns: number; operations: number };
  /** Turns of each store, of how many operations of `callers` at once. */
  parallel: { turns: number; operations: number; callers: number };
}

export interface OperationSamples {
  p50Ms: number;
  perSecond: number;
}

export type StoreSamples = Record<'set' | 'get' | 'putTake', OperationSamples>;

type Side = 'gantry' | 'redis';
export type BothSamples = Record<Side, StoreSamples> & {
  /** Of Gantry: keys that nobody has read before, one at a time. */
  firstGetP50Ms: number;
};
type Operation = (number: number) => Promise<unknown>;

const VALUE = 'x'.repeat(100);
const KEYS = 500;
const KINDS = ['set', 'get', 'putTake'] as const;

/**
 * Each kind of operation of both stores, by turns. Which processors the kernel gives to a process and to the one that answers
 * it, and how deep those sleep, changes what a round trip takes by three times, and stays for a while: many short turns have
 * both sides meet all of it.
 */
export async function sampleInTurns(stores: Record<Side, Store>, load: StoreLoad): Promise<BothSamples> {
  const both = { gantry: {}, redis: {} } as BothSamples;
  for (const kind of KINDS) {
    const gantry = operationsOf(stores.gantry)[kind];
    const redis = operationsOf(stores.redis)[kind];
    const samples = {
      gantry: { operation: gantry, tookMs: [] as number[], parallelMs: 0 },
      redis: { operation: redis, tookMs: [] as number[], parallelMs: 0 },
    };
    const sides = Object.values(samples);
    for (const { operation } of sides) for (let number = 0; number < KEYS; number++) await operation(number);
    for (let turn = 0; turn < load.serial.turns; turn++) {
      for (const side of sides) side.tookMs.push(...(await timesOf(side.operation, load.serial.operations)));
    }
    for (let turn = 0; turn < load.parallel.turns; turn++) {
      for (const side of sides) side.parallelMs += await timeOfMany(side.operation, load.parallel);
    }
    for (const name of ['gantry', 'redis'] as const) {
      const { tookMs, parallelMs } = samples[name];
      const operations = load.parallel.turns * load.parallel.operations;
      both[name][kind] = { p50Ms: middleOf(tookMs), perSecond: operations / (parallelMs / 1_000) };
    }
  }
  both.firstGetP50Ms = middleOf(await timesOfFirstGets(stores.gantry));
  return both;
}

async function timesOfFirstGets(store: Store): Promise<number[]> {
  const keyOf = (number: number): string => `new-${number}`;
  for (let number = 0; number < KEYS; number++) await store.set(keyOf(number), VALUE);
  return await timesOf((number) => store.get(keyOf(number)), KEYS);
}

/** Every sample is of operations of one kind; an item is put and taken for one sample. */
function operationsOf(store: Store): Record<(typeof KINDS)[number], Operation> {
  return {
    set: (number) => store.set(`key-${number % KEYS}`, VALUE),
    get: (number) => store.get(`key-${number % KEYS}`),
    putTake: async () => {
      await store.put(VALUE);
      await store.take();
    },
  };
}

function middleOf(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}

async function timesOf(operation: Operation, count: number): Promise<number[]> {
  const tookMs: number[] = [];
  for (let number = 0; number < count; number++) {
    const startedMs = performance.now();
    await operation(number);
    tookMs.push(performance.now() - startedMs);
  }
  return tookMs;
}

async function timeOfMany(
  operation: Operation,
  { operations, callers }: StoreLoad['parallel'],
): Promise<number> {
  let next = 0;
  const startedMs = performance.now();
  const caller = async (): Promise<void> => {
    while (next < operations) await operation(next++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return performance.now() - startedMs;
}
