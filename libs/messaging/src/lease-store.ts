import { type KV, Kvm } from '@nats-io/kv';
import { BUCKETS, encodeFrame } from '@gantry/protocol';

import type { NatsLink } from './nats-link.ts';
import { isJetStreamError, JETSTREAM_ERRORS } from './vendor-errors.ts';

/**
 * Claims that end by themselves.
 *
 * A lease lasts 4 s from its acquisition or last renewal, by the clock of nats-server: its holder must count
 * from before it sent the request. Revisions only grow, so they fence: who sees a higher one refuses a lower.
 */
export interface LeaseStore {
  /** Returns the revision, or undefined while somebody else holds the lease. */
  acquire(name: string, holder: string): Promise<number | undefined>;
  /** Returns the next revision, or undefined when the lease was lost. */
  renew(name: string, holder: string, revision: number): Promise<number | undefined>;
  /** Ends the lease at once, if it is still at `revision`. */
  release(name: string, revision: number): Promise<void>;
  /** Says that what `key` names is alive, for 15 s. */
  touch(key: string): Promise<void>;
  /** All keys touched in the last 15 s. */
  alive(): Promise<Set<string>>;
}

const LIVENESS_PREFIX = `$KV.${BUCKETS.liveness}.`;

/** {@link LeaseStore} over key-value buckets with a bucket-wide time to live. */
export class NatsLeaseStore implements LeaseStore {
  readonly #link: NatsLink;
  readonly #buckets = new Map<string, Promise<KV>>();

  constructor(link: NatsLink) {
    this.#link = link;
  }

  async acquire(name: string, holder: string): Promise<number | undefined> {
    return await this.#claim(name, (bucket) => bucket.create(name, encodeFrame({ holder })));
  }

  async renew(name: string, holder: string, revision: number): Promise<number | undefined> {
    return await this.#claim(name, (bucket) => bucket.update(name, encodeFrame({ holder }), revision));
  }

  async release(name: string, revision: number): Promise<void> {
    await this.#claim(name, async (bucket) => {
      await bucket.delete(name, { previousSeq: revision });
      return revision;
    });
  }

  async touch(key: string): Promise<void> {
    await this.#link.ask(`liveness of "${key}"`, async () => {
      const bucket = await this.#bucket(BUCKETS.liveness);
      await bucket.put(key, '');
    });
  }

  async alive(): Promise<Set<string>> {
    return await this.#link.ask('liveness', async () => {
      const { state } = await this.#link.manager.streams.info(`KV_${BUCKETS.liveness}`, {
        subjects_filter: `${LIVENESS_PREFIX}>`,
      });
      return new Set(
        Object.keys(state.subjects ?? {}).map((subject) => subject.slice(LIVENESS_PREFIX.length)),
      );
    });
  }

  async #claim(name: string, change: (bucket: KV) => Promise<number>): Promise<number | undefined> {
    return await this.#link.ask(`lease "${name}"`, async () => {
      try {
        return await change(await this.#bucket(BUCKETS.leases));
      } catch (error) {
        if (isJetStreamError(error, JETSTREAM_ERRORS.wrongLastSequence, JETSTREAM_ERRORS.conflictInFlight)) {
          return undefined;
        }
        throw error;
      }
    });
  }

  #bucket(name: string): Promise<KV> {
    let bucket = this.#buckets.get(name);
    if (!bucket) {
      bucket = new Kvm(this.#link.jetstream).open(name);
      this.#buckets.set(name, bucket);
    }
    return bucket;
  }
}
