import type { BlobStore } from '@gantry/blobs';
import {
  type DictRecord,
  DictState,
  type KeptValue,
  type QueueRecord,
  QueueState,
} from '@gantry/collections';
import type { JournalStore, Messaging } from '@gantry/messaging';
import {
  type CollectionOperation,
  type CollectionRecord,
  type CollectionRequest,
  type CollectionSummary,
  type DictOperation,
  type Environments,
  InternalFailure,
  InvalidError,
  NotFoundError,
  type QueueOperation,
  subjects,
} from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

import { checkOperation } from './check-operation.ts';
import { CollectionDirectory } from './collection-directory.ts';
import { DictDesk } from './dict-desk.ts';
import { DictTables } from './dict-tables.ts';
import { DoomedBlobs } from './doomed-blobs.ts';
import { OpenJournal } from './open-journal.ts';
import { QueueDesk } from './queue-desk.ts';
import { ValueCache } from './value-cache.ts';

const CACHE_BYTES = 64 * 1024 ** 2;
const TICK_MS = 1_000;
const TIDY_EVERY_TICKS = 10;
const IDLE_MS = 300_000;
const LIVENESS_EVERY_MS = 5_000;
const FIRST_HOLD_MS = 30_000;
const SURVEY_EVERY_MS = 6 * 3600 * 1000;

export interface CollectionKeeperOptions {
  messaging: Pick<Messaging, 'journals' | 'registry' | 'leases' | 'respond'>;
  blobs: BlobStore;
  environments: Environments;
  /** Undefined while this server must not answer: from 1 s before another one can, or earlier. */
  leadership: { readonly fence: number | undefined };
  log: Logger;
  /** How long a client has to say that it holds what it made without a name. @defaultValue 30_000 */
  firstHoldMs?: number;
  /** How often late items are given back; journals are tidied every tenth time. @defaultValue 1_000 */
  tickMs?: number;
}

type Desk = DictDesk | QueueDesk;
type Open = { record: CollectionRecord; desk: Desk; journal: { readonly failed: boolean }; usedAtMs: number };
/** `now` is there once it is open: who finds that need not wait for a promise that has long resolved. */
type Opening = { open: Promise<Open>; now?: Open };

/**
 * Keeps dicts and queues while this server leads: each is read from its journal when it is first asked for, and answers from
 * memory from then on.
 *
 * Invariants
 *   K1. It answers only while its lease is sure to last; what it writes in spite of another keeper fails (see `OpenJournal`).
 *   K2. At its end it forgets everything: nothing is only in memory that was ever answered.
 */
export class CollectionKeeper {
  readonly #options: CollectionKeeperOptions;
  readonly #directory: CollectionDirectory;
  readonly #cache = new ValueCache(CACHE_BYTES);
  readonly #doomed: DoomedBlobs;
  readonly #tables: DictTables;
  readonly #open = new Map<string, Opening>();
  /** Those without a name, by id. */
  readonly #ephemeral = new Map<string, CollectionRecord>();
  readonly #responder: { stop(): void };
  readonly #timers: NodeJS.Timeout[];
  #ended = false;
  #ticks = 0;

  constructor(options: CollectionKeeperOptions) {
    const { messaging, blobs, environments, log } = options;
    this.#options = options;
    this.#directory = new CollectionDirectory(messaging.registry, environments);
    this.#doomed = new DoomedBlobs(blobs, log);
    this.#tables = new DictTables(options);
    this.#responder = messaging.respond<CollectionRequest, unknown>(
      subjects.collections,
      (request) => this.perform(request),
      { nearby: true },
    );
    this.#timers = [
      setInterval(() => this.#tick(), options.tickMs ?? TICK_MS),
      setInterval(
        () => this.#run('ephemeral dicts and queues', () => this.#removeAbandoned()),
        LIVENESS_EVERY_MS,
      ),
      setInterval(() => this.#run('dicts and queues', () => this.#survey()), SURVEY_EVERY_MS),
    ];
    this.#run('dicts and queues', () => this.#findEphemeral());
  }

  end(): void {
    this.#ended = true;
    this.#responder.stop();
    for (const timer of this.#timers) clearInterval(timer);
    this.#tables.close();
    this.#open.clear();
  }

  /** Answers, or fails, at once where it can, as it can most reads; else by a promise. */
  perform({ op, operation }: CollectionRequest): unknown {
    this.#assertLeads();
    checkOperation(operation);
    switch (operation.do) {
      case 'open':
        return this.#find(operation);
      case 'openEphemeral':
        return this.#createEphemeral(operation);
      case 'list':
        return this.#list(operation);
      case 'delete':
        return this.#deleteNamed(operation);
      default:
        return this.#ask(op, operation);
    }
  }

  /** Deletes all of an environment, by its id. */
  async removeAllOf(environmentId: string): Promise<void> {
    for (const record of await this.#directory.all()) {
      if (record.environment !== environmentId) continue;
      this.#assertLeads();
      await this.#delete(record);
    }
  }

  #ask(op: string, operation: DictOperation | QueueOperation): unknown {
    const open = this.#open.get(operation.id)?.now;
    if (open && !open.journal.failed) return this.#askDesk(open, op, operation);
    return this.#opened(operation.id).then((opened) => {
      this.#assertLeads();
      return this.#askDesk(opened, op, operation);
    });
  }

  #askDesk(open: Open, op: string, operation: DictOperation | QueueOperation): unknown {
    open.usedAtMs = Date.now();
    const kind = operation.do.startsWith('dict.') ? 'dict' : 'queue';
    if (open.record.kind !== kind) throw new InvalidError(`"${operation.id}" is no ${kind}`);
    if (open.desk instanceof DictDesk) return open.desk.perform(op, operation as DictOperation);
    return open.desk.perform(op, operation as QueueOperation);
  }

  async #createEphemeral({
    kind,
    environment,
  }: Extract<CollectionOperation, { do: 'openEphemeral' }>): Promise<CollectionRecord> {
    const record = await this.#directory.createEphemeral(kind, environment);
    this.#ephemeral.set(record.id, record);
    return record;
  }

  async #deleteNamed({
    kind,
    environment,
    name,
  }: Extract<CollectionOperation, { do: 'delete' }>): Promise<void> {
    await this.#delete(await this.#directory.findToDelete(kind, environment, name));
  }

  async #find(open: Extract<CollectionOperation, { do: 'open' }>): Promise<CollectionRecord> {
    const { kind, environment, name, createIfMissing } = open;
    if (createIfMissing) return await this.#directory.create(kind, environment, name);
    return await this.#directory.find(kind, environment, name);
  }

  async #list({ kind, environment }: { kind: string; environment: string }): Promise<CollectionSummary[]> {
    const records = await this.#directory.allIn(environment);
    const own = records.filter((record) => record.kind === kind);
    const { environments } = this.#options;
    const summaries: CollectionSummary[] = [];
    for (const record of own) {
      if (record.name === undefined) continue;
      const open = await this.#opened(record.id).catch(ifGone);
      if (!open) continue;
      const partitions = open.desk instanceof QueueDesk ? { partitions: open.desk.partitions } : {};
      const place = { environment: environments.nameOf(record.environment) };
      summaries.push({ ...record, ...place, length: open.desk.size, ...partitions });
    }
    return summaries.sort((left, right) => ((left.name ?? '') < (right.name ?? '') ? -1 : 1));
  }

  async #delete(record: CollectionRecord): Promise<void> {
    const { id, kind } = record;
    const clear =
      kind === 'dict' ? ({ do: 'dict.clear', id } as const) : ({ do: 'queue.clear', id } as const);
    // So that the blobs of its values go.
    await this.#ask(`delete-${id}`, clear);
    await this.#directory.delete(record);
    this.#forget(id);
    this.#ephemeral.delete(id);
    await this.#options.messaging.journals.remove(id);
  }

  async #opened(id: string): Promise<Open> {
    const known = await this.#open.get(id)?.open;
    if (known && !known.journal.failed) return known;
    // Others may have found it of no use, and opened it anew, in the meantime.
    const current = this.#open.get(id);
    if (current && (await current.open) !== known) return await this.#opened(id);
    const opening: Opening = { open: this.#load(id) };
    this.#open.set(id, opening);
    opening.open.then(
      (open) => (opening.now = open),
      () => {
        if (this.#open.get(id) === opening) this.#open.delete(id);
      },
    );
    return await opening.open;
  }

  async #load(id: string): Promise<Open> {
    const record = await this.#directory.get(id);
    if (!record) {
      throw new NotFoundError(`dict or queue "${String(id)}" was deleted`, { details: { collectionId: id } });
    }
    const { journals } = this.#options.messaging;
    const base = { id, journals, cache: this.#cache };
    const onDrop = (kept: KeptValue): void => {
      this.#cache.remove(kept);
      if (kept.blob !== undefined) this.#doomed.add(kept.blob);
    };
    const opened = { record, usedAtMs: Date.now() };
    try {
      if (record.kind === 'dict') return { ...opened, ...(await this.#openDict(base, onDrop)) };
      const state = new QueueState(onDrop);
      const journal = await OpenJournal.open<QueueRecord>({ ...base, state });
      return { ...opened, journal, desk: new QueueDesk(state, journal) };
    } catch (cause) {
      throw new InternalFailure(`the journal of "${id}" cannot be read now`, { cause });
    }
  }

  async #openDict(
    base: { id: string; journals: JournalStore; cache: ValueCache },
    onDrop: (kept: KeptValue) => void,
  ): Promise<Pick<Open, 'desk' | 'journal'>> {
    const state = new DictState(onDrop);
    const journal = await OpenJournal.open<DictRecord>({ ...base, state });
    const desk = new DictDesk({
      ...{ state, journal },
      refresh: (blob) => this.#doomed.refresh(blob),
      openTable: (machine) => this.#tables.open(machine),
    });
    return { desk, journal };
  }

  #forget(id: string): void {
    const desk = this.#open.get(id)?.now?.desk;
    if (desk instanceof DictDesk) desk.close();
    this.#open.delete(id);
  }

  #assertLeads(): void {
    if (!this.#ended && this.#options.leadership.fence !== undefined) return;
    throw new InternalFailure('another server keeps dicts and queues now');
  }

  #tick(): void {
    if (this.#open.size === 0) return this.#doomed.sweep();
    const isTidying = this.#ticks++ % TIDY_EVERY_TICKS === 0;
    this.#doomed.sweep();
    for (const [id, opening] of this.#open) {
      this.#run(`"${id}"`, async () => {
        const { desk, journal, usedAtMs } = await opening.open;
        if (desk instanceof QueueDesk) desk.releaseLate();
        if (isTidying && !journal.failed) await desk.tidy();
        if (journal.failed || Date.now() - usedAtMs > IDLE_MS) this.#forget(id);
      });
    }
  }

  async #findEphemeral(): Promise<void> {
    for (const record of await this.#directory.all()) {
      if (record.name === undefined) this.#ephemeral.set(record.id, record);
    }
  }

  async #removeAbandoned(): Promise<void> {
    if (this.#ephemeral.size === 0) return;
    const alive = await this.#options.messaging.leases.alive();
    const { firstHoldMs = FIRST_HOLD_MS } = this.#options;
    for (const record of [...this.#ephemeral.values()]) {
      if (alive.has(record.id) || Date.now() - record.createdAtMs < firstHoldMs) continue;
      this.#assertLeads();
      await this.#delete(record);
    }
  }

  /** Opens each, so that what is over in those that nobody uses goes, too. */
  async #survey(): Promise<void> {
    for (const { id } of await this.#directory.all()) {
      const open = await this.#opened(id).catch(ifGone);
      await open?.desk.tidy();
    }
  }

  #run(what: string, act: () => Promise<void>): void {
    if (this.#ended || this.#options.leadership.fence === undefined) return;
    act().catch((err: unknown) => {
      if (!this.#ended) this.#options.log.warn({ err }, `tidying up ${what}`);
    });
  }
}

function ifGone(error: unknown): undefined {
  if (error instanceof NotFoundError) return undefined;
  throw error;
}
