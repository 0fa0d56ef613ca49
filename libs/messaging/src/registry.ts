import { type KV, Kvm } from '@nats-io/kv';
import type { Msg } from '@nats-io/transport-node';
import { BUCKETS, decodeFrame, encodeFrame } from '@gantry/protocol';

import type { NatsLink } from './nats-link.ts';
import { type Attempt, repeatRequest } from './repeated-request.ts';
import { StreamFollow } from './stream-follow.ts';
import { isJetStreamError, JETSTREAM_ERRORS } from './vendor-errors.ts';

/** A change of one key; `value` is undefined when the key was deleted. */
export interface RegistryChange<T> {
  key: string;
  value: T | undefined;
  revision: number;
}

/**
 * Apps, deployments, functions and routes: small records by key, changed by compare-and-set, watched.
 *
 * A request that is not answered, because nats-server ended or is starting, is sent again for up to 15 s; a
 * compare-and-set that was carried out although its answer was lost still says true.
 */
export interface Registry {
  get<T>(key: string): Promise<{ value: T; revision: number } | undefined>;
  /** False if the key exists. */
  create(key: string, value: unknown): Promise<boolean>;
  /** Returns the new revision. */
  put(key: string, value: unknown): Promise<number>;
  /** False if the key is no longer at `revision`. */
  update(key: string, value: unknown, revision: number): Promise<boolean>;
  delete(key: string): Promise<void>;
  /** All entries whose keys match; `*` stands for one token, `>` for the rest. */
  list<T>(pattern: string): Promise<{ key: string; value: T }[]>;
  /** Resolves after the present entries were delivered; then changes come, in order, over reconnects too. */
  watch<T>(pattern: string, listener: (change: RegistryChange<T>) => void): Promise<{ stop(): void }>;
}

const STREAM = `KV_${BUCKETS.registry}`;
const PREFIX = `$KV.${BUCKETS.registry}.`;

/** {@link Registry} over a JetStream key-value bucket. */
export class NatsRegistry implements Registry {
  readonly #link: NatsLink;
  #opened: Promise<KV> | undefined;

  constructor(link: NatsLink) {
    this.#link = link;
  }

  async get<T>(key: string): Promise<{ value: T; revision: number } | undefined> {
    const entry = await this.#run(key, (bucket) => bucket.get(key));
    if (!entry || entry.operation !== 'PUT') return undefined;
    return { value: decodeFrame<T>(entry.value), revision: entry.revision };
  }

  async create(key: string, value: unknown): Promise<boolean> {
    return await this.#compareAndSet(key, encodeFrame(value), (bucket, body) => bucket.create(key, body));
  }

  async put(key: string, value: unknown): Promise<number> {
    return await this.#run(key, (bucket) => bucket.put(key, encodeFrame(value)));
  }

  async update(key: string, value: unknown, revision: number): Promise<boolean> {
    return await this.#compareAndSet(key, encodeFrame(value), (bucket, body) =>
      bucket.update(key, body, revision),
    );
  }

  async delete(key: string): Promise<void> {
    await this.#run(key, (bucket) => bucket.delete(key));
  }

  async list<T>(pattern: string): Promise<{ key: string; value: T }[]> {
    const found = new Map<string, T>();
    const watch = await this.watch<T>(pattern, ({ key, value }) => {
      if (value === undefined) found.delete(key);
      else found.set(key, value);
    });
    watch.stop();
    return [...found].map(([key, value]) => ({ key, value }));
  }

  async watch<T>(pattern: string, listener: (change: RegistryChange<T>) => void): Promise<{ stop(): void }> {
    // After a reconnect everything is read again; what is unchanged is not told again.
    const revisions = new Map<string, number>();
    const open = (attempt: Attempt) =>
      StreamFollow.open(this.#link, {
        stream: STREAM,
        filter: PREFIX + pattern,
        start: { type: 'lastPerSubject' },
        onMessage: (message, revision) => {
          const key = message.subject.slice(PREFIX.length);
          if (attempt.isAbandoned || revisions.get(key) === revision) return;
          revisions.set(key, revision);
          listener({ key, value: isDeletion(message) ? undefined : decodeFrame<T>(message.data), revision });
        },
      });
    const follow = await this.#repeat(`registry keys "${pattern}"`, async (attempt) => {
      const opened = await open(attempt);
      if (attempt.isAbandoned) opened.stop();
      return opened;
    });
    await follow.caughtUp;
    return follow;
  }

  async #compareAndSet(
    key: string,
    body: Uint8Array,
    change: (bucket: KV, body: Uint8Array) => Promise<number>,
  ): Promise<boolean> {
    return await this.#run(key, async (bucket, attempt) => {
      try {
        await change(bucket, body);
        return true;
      } catch (error) {
        if (!isJetStreamError(error, JETSTREAM_ERRORS.wrongLastSequence)) throw error;
        return attempt.number > 0 && (await holds(bucket, key, body));
      }
    });
  }

  async #run<T>(key: string, use: (bucket: KV, attempt: Attempt) => Promise<T>): Promise<T> {
    return await this.#repeat(`registry key "${key}"`, async (attempt) => use(await this.#bucket(), attempt));
  }

  async #repeat<T>(what: string, request: (attempt: Attempt) => Promise<T>): Promise<T> {
    return await this.#link.ask(what, () => repeatRequest({ what, link: this.#link }, request));
  }

  #bucket(): Promise<KV> {
    if (!this.#opened) {
      const opened = new Kvm(this.#link.jetstream).open(BUCKETS.registry);
      this.#opened = opened;
      opened.catch(() => {
        if (this.#opened === opened) this.#opened = undefined;
      });
    }
    return this.#opened;
  }
}

// An earlier try of ours may have been carried out although its answer was lost.
async function holds(bucket: KV, key: string, body: Uint8Array): Promise<boolean> {
  const entry = await bucket.get(key);
  return entry?.operation === 'PUT' && Buffer.compare(entry.value, body) === 0;
}

function isDeletion(message: Msg): boolean {
  const operation = message.headers?.get('KV-Operation');
  return operation === 'DEL' || operation === 'PURGE';
}
