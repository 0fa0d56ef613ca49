// Drives a dict and a queue, or what they are held against, and says what it saw. The same code runs in a container and in a
// plain process.

export interface Store {
  set(key: string, value: string): Promise<unknown>;
  get(key: string): Promise<unknown>;
  put(value: string): Promise<unknown>;
  take(): Promise<unknown>;
}

export interface StoreLoad {
  /** Operations one at a time. */
  serial: number;
  /** Operations of `callers` at once. */
  parallel: number;
  callers: number;
}

export interface OperationSamples {
  p50Ms: number;
  perSecond: number;
}

export type StoreSamples = Record<'set' | 'get' | 'putTake', OperationSamples>;

const VALUE = 'x'.repeat(100);
const KEYS = 500;

/** Every sample is of operations of one kind; an item is put and taken for one sample. */
export async function sampleStore(store: Store, load: StoreLoad): Promise<StoreSamples> {
  const operations = {
    set: (number: number) => store.set(`key-${number % KEYS}`, VALUE),
    get: (number: number) => store.get(`key-${number % KEYS}`),
    putTake: async () => {
      await store.put(VALUE);
      await store.take();
    },
  };
  const samples: Partial<StoreSamples> = {};
  for (const [name, operation] of Object.entries(operations)) {
    for (let number = 0; number < KEYS; number++) await operation(number);
    samples[name as keyof StoreSamples] = {
      p50Ms: await p50Of(operation, load.serial),
      perSecond: await perSecondOf(operation, load),
    };
  }
  return samples as StoreSamples;
}

async function p50Of(operation: (number: number) => Promise<unknown>, count: number): Promise<number> {
  const tookMs: number[] = [];
  for (let number = 0; number < count; number++) {
    const startedMs = performance.now();
    await operation(number);
    tookMs.push(performance.now() - startedMs);
  }
  return tookMs.sort((left, right) => left - right)[Math.floor(count / 2)] ?? 0;
}

async function perSecondOf(
  operation: (number: number) => Promise<unknown>,
  { parallel, callers }: StoreLoad,
): Promise<number> {
  let next = 0;
  const startedMs = performance.now();
  const caller = async (): Promise<void> => {
    while (next < parallel) await operation(next++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (parallel / (performance.now() - startedMs)) * 1_000;
}
