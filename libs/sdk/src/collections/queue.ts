import {
  COLLECTION_LIMITS,
  type CollectionSummary,
  decodeValue,
  encodeValue,
  HANDLE,
  type HandleState,
  InvalidError,
  partitionKeyBytes,
  type Payload,
  QueueEmptyError,
  QueueFullError,
  type QueueItems,
  type QueuePage,
  registerHandle,
} from '@gantry/protocol';

import { type EphemeralArgs, openFor } from '../ephemeral.ts';
import { checkKeys } from '../option-checks.ts';
import type { FromNameOptions } from '../remote-function.ts';
import {
  assertCount,
  CollectionHandle,
  type CollectionOptions,
  type CollectionReference,
  deleteCollection,
  listCollections,
  MESSAGE_BYTES,
  openEphemeral,
  shown,
} from './collection-handle.ts';
import { Patience, type WaitOptions } from './patience.ts';

export type QueueOptions = CollectionOptions;

export interface PartitionOptions {
  /** Key of 1 to 64 bytes in UTF-8. @defaultValue the default partition */
  partition?: string;
}

export interface QueueGetOptions extends PartitionOptions, WaitOptions {}

export interface QueuePutOptions extends QueueGetOptions {
  /** The partition is cleared so long after its last put. At most 24 hours. @defaultValue 86_400_000 */
  partitionTtlMs?: number;
}

export interface QueueIterateOptions extends PartitionOptions {
  /** How long to wait for another item before the iteration ends. @defaultValue 0 */
  itemPollTimeoutMs?: number;
  signal?: AbortSignal;
}

const OPTIONS = ['environment', 'client', 'createIfMissing'];
const LOOKUP_OPTIONS = ['environment', 'client'];
const GET_OPTIONS = ['block', 'timeoutMs', 'partition', 'signal'];
const PUT_OPTIONS = [...GET_OPTIONS, 'partitionTtlMs'];
interface Taken {
  items: Uint8Array[];
  /** There were more. */
  more: boolean;
}

const NOTHING: Taken = { items: [], more: false };
/** Items of one part of an iteration. */
const PAGE = 100;

/**
 * Items in the order in which they were put, shared by programs and containers: each goes to one of those who take.
 * Partitions are queues of their own, up to 100,000 of them, each of up to 5,000 items of at most 1 MiB.
 *
 * What was put is stored before `put` resolves. An item is lent to who takes it, and is theirs once this library has
 * confirmed its receipt, which it does before `get` resolves. So an item is never delivered twice, and it is lost only
 * with a program that ends at the moment it gets it: delivery is at most once for a program that dies, exactly once
 * otherwise. What was lent and not confirmed within 10 s, as by a taker that died, is in its old place again.
 *
 * @example
 * ```ts
 * const jobs = Queue.fromName<Job>('jobs', { createIfMissing: true });
 * await jobs.put({ url: 'https://example.org/' });
 * const job = await jobs.get({ timeoutMs: 10_000 });      // QueueEmptyError if none comes
 * const more = await jobs.getMany(100, { block: false }); // what is there now
 * ```
 */
export class Queue<T = unknown> {
  readonly #handle: CollectionHandle;

  /** @internal Made by {@link Queue.fromName} and {@link Queue.ephemeral}. */
  constructor(handle: CollectionHandle) {
    this.#handle = handle;
  }

  /** A handle; nothing is looked up or made before its first use. */
  static fromName<T = unknown>(name: string, options: QueueOptions = {}): Queue<T> {
    checkKeys('Queue.fromName', options, OPTIONS);
    return new Queue(new CollectionHandle('queue', name, options));
  }

  /**
   * A queue without a name. It is removed some time after the scope of `await using` is left, or the callback or the program
   * has ended.
   *
   * @example
   * ```ts
   * await using results = await Queue.ephemeral<string>();
   * const words = await Queue.ephemeral(async (found: Queue<string>) => collect(found));
   * ```
   */
  static async ephemeral<T = unknown>(options?: FromNameOptions): Promise<Queue<T> & AsyncDisposable>;
  static async ephemeral<T, R>(use: (queue: Queue<T>) => R): Promise<Awaited<R>>;
  static async ephemeral<T, R>(options: FromNameOptions, use: (queue: Queue<T>) => R): Promise<Awaited<R>>;
  static async ephemeral(...args: EphemeralArgs<Queue & AsyncDisposable>): Promise<unknown> {
    return openFor(args, async (options) => {
      checkKeys('Queue.ephemeral', options, LOOKUP_OPTIONS);
      const { handle, end } = await openEphemeral('queue', options);
      return Object.assign(new Queue(handle), { [Symbol.asyncDispose]: end });
    });
  }

  /**
   * Deletes a queue with its items.
   *
   * @throws NotFoundError if there is none of the name.
   */
  static async delete(name: string, options: FromNameOptions = {}): Promise<void> {
    checkKeys('Queue.delete', options, LOOKUP_OPTIONS);
    await deleteCollection('queue', name, options);
  }

  /** The queues of the environment, by name. */
  static async list(options: FromNameOptions = {}): Promise<CollectionSummary[]> {
    checkKeys('Queue.list', options, LOOKUP_OPTIONS);
    return await listCollections('queue', options);
  }

  /**
   * The bytes of a partition's key; those of the default partition are none.
   *
   * @throws InvalidError if it is empty, or longer than 64 bytes.
   */
  static validatePartitionKey(partition?: string): Uint8Array {
    return partition === undefined ? new Uint8Array() : partitionKeyBytes(partition);
  }

  get name(): string {
    return this.#handle.name;
  }

  /**
   * Looks the queue up, or makes it with `createIfMissing`. Otherwise that happens at the first use.
   *
   * @throws NotFoundError if there is none of the name.
   */
  async hydrate(): Promise<this> {
    await this.#handle.ready();
    return this;
  }

  /** @throws ExecutionError before the first use. */
  get objectId(): string {
    return this.#handle.objectId;
  }

  /**
   * Takes the next item, and waits for one unless `block` is false: then null means that there is none.
   *
   * @throws QueueEmptyError when none came within `timeoutMs`; the reason of `signal` when it is aborted.
   */
  async get(options: QueueGetOptions = {}): Promise<T | null> {
    const [item] = await this.#take('get', 1, options);
    return item === undefined ? null : (decodeValue(item) as T);
  }

  /**
   * Takes up to `count` items. It waits for the first one only, unless `block` is false.
   *
   * @throws QueueEmptyError when none came within `timeoutMs`; the reason of `signal` when it is aborted.
   */
  async getMany(count: number, options: QueueGetOptions = {}): Promise<T[]> {
    assertCount('the number of items', count);
    const items = await this.#take('getMany', count, options);
    return items.map((item) => decodeValue(item) as T);
  }

  /**
   * Puts an item at the end. It waits for room unless `block` is false.
   *
   * @throws QueueFullError when there was no room within `timeoutMs`, or now; RequestSizeError above 1 MiB; the reason
   * of `signal` when it is aborted.
   */
  async put(item: T, options: QueuePutOptions = {}): Promise<void> {
    await this.#putAll('put', [item], options);
  }

  /**
   * Puts items at the end, in their order. Up to 5,000 items of 256 KiB in all are put whole or not at all; larger lists in
   * parts.
   *
   * @throws QueueFullError when there was no room within `timeoutMs`, or now, with `details.put`, how many of the items are
   * in the queue nevertheless; RequestSizeError for an item above 1 MiB, and nothing is put;
   * the reason of `signal` when it is aborted.
   */
  async putMany(items: readonly T[], options: QueuePutOptions = {}): Promise<void> {
    if (!Array.isArray(items))
      throw new InvalidError('putMany: what is to be put is no array', {
        hint: 'Give an array; put() is for one item.',
      });
    await this.#putAll('putMany', items as readonly T[], options);
  }

  /** How many items a partition has; with `total` all have together. */
  async len(options: PartitionOptions & { total?: boolean } = {}): Promise<number> {
    checkKeys('len', options, ['partition', 'total']);
    assertEither('len', options.partition, options.total === true && 'total');
    const partition = options.total === true ? {} : { partition: nameOf(options) };
    return await this.#handle.perform((id) => ({ do: 'queue.len', id, ...partition }));
  }

  /** Removes the items of a partition; with `all` of all partitions. */
  async clear(options: PartitionOptions & { all?: boolean } = {}): Promise<void> {
    checkKeys('clear', options, ['partition', 'all']);
    assertEither('clear', options.partition, options.all === true && 'all');
    const partition = options.all === true ? {} : { partition: nameOf(options) };
    await this.#handle.perform((id) => ({ do: 'queue.clear', id, ...partition }));
  }

  /** Shows the items of a partition from its head on, and leaves them there. */
  async *iterate(options: QueueIterateOptions = {}): AsyncGenerator<T> {
    checkKeys('iterate', options, ['partition', 'itemPollTimeoutMs', 'signal']);
    const { itemPollTimeoutMs: timeoutMs = 0, signal } = options;
    const partition = nameOf(options);
    let after = 0;
    for (;;) {
      const patience = new Patience({ timeoutMs, signal }, 'itemPollTimeoutMs');
      const page = await patience.poll(
        (waitMs) => patience.untilAborted(this.#page({ partition, after, waitMs })),
        ({ values }) => values.length > 0,
      );
      if (!page) return;
      after = page.after;
      for (const value of page.values) yield decodeValue(value as Uint8Array) as T;
    }
  }

  /** @internal As an argument or result it arrives as a handle on the same queue. */
  [HANDLE](): HandleState {
    return { kind: 'gantry.Queue', state: this.#handle.reference() };
  }

  async #page(from: { partition: string; after: number; waitMs: number }): Promise<QueuePage> {
    return await this.#handle.perform((id) => ({ do: 'queue.peek', id, count: PAGE, ...from }));
  }

  async #take(method: string, count: number, options: QueueGetOptions): Promise<Uint8Array[]> {
    checkKeys(method, options, GET_OPTIONS);
    const partition = nameOf(options);
    const patience = new Patience(options);
    const first = await patience.poll(
      (waitMs) => this.#takeOnce({ partition, count, waitMs }, patience),
      ({ items }) => items.length > 0,
    );
    if (first) return await this.#takeMore(first, { partition, count }, patience);
    if (options.block === false) return [];
    throw new QueueEmptyError(`queue "${this.name}" had no item within ${options.timeoutMs} ms`, {
      hint: 'Wait longer, or forever without timeoutMs.',
    });
  }

  /** One answer holds no more than fits into a message, so it may take several. */
  async #takeMore(
    first: Taken,
    { partition, count }: { partition: string; count: number },
    patience: Patience,
  ): Promise<Uint8Array[]> {
    const all = [...first.items];
    for (let last = first; last.more && all.length < count; all.push(...last.items)) {
      const from = { partition, count: count - all.length, waitMs: 0 };
      // What was taken before is this program's, whatever comes now.
      last = await this.#takeOnce(from, patience).catch(() => NOTHING);
    }
    return all;
  }

  /** Items that are this program's; none if none came, or if they went to another one before they were confirmed. */
  async #takeOnce(
    from: { partition: string; count: number; waitMs: number },
    patience: Patience,
  ): Promise<Taken> {
    const taking = this.#handle.perform<QueueItems>((id) => ({ do: 'queue.take', id, ...from }));
    const { loan, values, more } = await patience.untilAborted(taking).catch((error: unknown) => {
      // What comes after all goes back at once.
      taking.then((late) => this.#release(late)).catch(() => undefined);
      throw error;
    });
    if (values.length === 0) return NOTHING;
    // From here on nothing ends it: the items are this program's, or those of another one.
    const isOurs = await this.#handle.perform<boolean>((id) => ({ do: 'queue.confirm', id, loan }));
    return isOurs ? { items: values as Uint8Array[], more } : NOTHING;
  }

  async #release({ loan, values }: QueueItems): Promise<void> {
    if (values.length > 0) await this.#handle.perform((id) => ({ do: 'queue.release', id, loan }));
  }

  async #putAll(method: string, items: readonly T[], options: QueuePutOptions): Promise<void> {
    checkKeys(method, options, PUT_OPTIONS);
    const { partitionTtlMs: ttlMs = COLLECTION_LIMITS.partitionTtlMs } = options;
    if (typeof ttlMs !== 'number' || !(ttlMs > 0 && ttlMs <= COLLECTION_LIMITS.partitionTtlMs)) {
      throw new InvalidError(`partitionTtlMs is ${shown(ttlMs)}, and must be above 0 and at most 24 hours`);
    }
    const partition = nameOf(options);
    // Before the first is put: what cannot be in it has nothing put.
    const encoded = items.map((item) => encodeValue(item));
    for (const item of encoded) this.#handle.assertSize(item, COLLECTION_LIMITS.queueItemBytes);
    const patience = new Patience(options);
    for (let first = 0; first < encoded.length;) {
      const values = await this.#part(encoded, first);
      const wasPut = await patience.poll(
        (waitMs) =>
          patience.untilAborted(
            this.#handle.perform<boolean>((id) => ({
              do: 'queue.put',
              id,
              partition,
              values,
              ttlMs,
              waitMs,
            })),
          ),
        (done) => done,
      );
      if (!wasPut) throw this.#full(options, first);
      first += values.length;
    }
  }

  async #part(encoded: readonly Uint8Array[], first: number): Promise<Payload[]> {
    const values: Payload[] = [];
    let bytes = 0;
    for (const item of encoded.slice(first, first + COLLECTION_LIMITS.queueItems)) {
      bytes += item.length;
      if (values.length > 0 && bytes > MESSAGE_BYTES) break;
      values.push(await this.#handle.payload(item));
    }
    return values;
  }

  #full({ block, timeoutMs }: QueuePutOptions, put: number): QueueFullError {
    const when = block === false ? 'now' : `within ${timeoutMs} ms`;
    const rest = put > 0 ? ` for what comes after the first ${put} items, which are in it` : '';
    return new QueueFullError(`queue "${this.name}" had no room ${when}${rest}`, {
      details: { put },
      hint: `A partition holds ${COLLECTION_LIMITS.queueItems} items: take some, or wait for those who do.`,
    });
  }
}

registerHandle('gantry.Queue', (state: CollectionReference) => {
  const { id, name, environment, createIfMissing } = state;
  return new Queue(new CollectionHandle('queue', name, { id, environment, createIfMissing }));
});

function assertEither(method: string, partition: string | undefined, whole: string | false): void {
  if (partition === undefined || whole === false) return;
  throw new InvalidError(`${method}: "partition" and "${whole}" contradict each other`, {
    hint: `Leave out "partition" for all partitions, or "${whole}" for one.`,
  });
}

/** The default partition is the empty key, which no user can name. */
function nameOf({ partition }: PartitionOptions): string {
  if (partition === undefined) return '';
  partitionKeyBytes(partition);
  return partition;
}
