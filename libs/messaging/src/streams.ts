import {
  AckPolicy,
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { nanos } from '@nats-io/transport-node';
import {
  BUCKETS,
  INPUT_LEASE_MS,
  LEASE_TTL_MS,
  LIMITS,
  LIVENESS_TTL_MS,
  STREAMS,
  subjects,
} from '@gantry/protocol';

import type { NatsLink } from './nats-link.ts';
import { isJetStreamError, JETSTREAM_ERRORS } from './vendor-errors.ts';

const DUPLICATE_WINDOW_MS = 120_000;
const LOG_BYTES = 1024 ** 3;
// nats-server before 2.10 reserves this many slots per consumer at once, so it is not simply huge.
const MAX_OPEN_PULLS = 8_192;

type StreamShape = Partial<StreamConfig> & { name: string };

/** Creates what is missing of streams and buckets; what exists stays as it is. */
export async function ensureStreams(link: NatsLink): Promise<void> {
  const replicas = link.connection.info?.cluster ? 3 : 1;
  await Promise.all([
    ...streamShapes(replicas).map((shape) =>
      link.ask(`stream "${shape.name}"`, () => ensureStream(link, shape)),
    ),
    ...bucketShapes().map(({ name, ttlMs }) =>
      link.ask(`bucket "${name}"`, async () => {
        await new Kvm(link.jetstream).create(name, {
          history: 1,
          replicas,
          // Leases too are on disk: their revisions are fencing numbers and must never start again.
          storage: StorageType.File,
          ...(ttlMs === undefined ? {} : { ttl: ttlMs }),
        });
      }),
    ),
  ]);
}

/** The durable consumer of a pool: one lease per input, no bound on how many are out. */
export function poolConsumer(pool: string) {
  return {
    durable_name: pool,
    filter_subject: subjects.poolInputs(pool),
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(INPUT_LEASE_MS),
    max_ack_pending: -1,
    max_waiting: MAX_OPEN_PULLS,
  };
}

function streamShapes(replicas: number): StreamShape[] {
  const common = {
    ...{ storage: StorageType.File, allow_direct: true, num_replicas: replicas },
    // Inputs are not in a work queue either, which removes each message on its acknowledgement: with every write synced,
    // removals fall behind deliveries, until leases of finished inputs run out. `InputQueue.trim` removes in bulk.
    retention: RetentionPolicy.Limits,
  };
  return [
    {
      ...common,
      name: STREAMS.inputs,
      subjects: [subjects.allInputs],
      duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    },
    {
      ...common,
      name: STREAMS.outputs,
      subjects: [subjects.allOutputs],
      max_age: nanos(LIMITS.outputRetentionMs),
      duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    },
    {
      ...common,
      name: STREAMS.runs,
      subjects: [subjects.allRuns],
      max_age: nanos(LIMITS.outputRetentionMs),
    },
    {
      ...common,
      name: STREAMS.links,
      subjects: [subjects.allLinks],
      discard: DiscardPolicy.Old,
      max_age: nanos(LIMITS.outputRetentionMs),
      // The inputs of one call come in several messages.
      max_msgs_per_subject: 1,
    },
    {
      ...common,
      name: STREAMS.journals,
      subjects: [subjects.allJournals],
      duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    },
    {
      ...common,
      name: STREAMS.usage,
      subjects: [subjects.allUsage],
      discard: DiscardPolicy.Old,
      max_age: nanos(LIMITS.usageRetentionMs),
      // Each says all of its hour.
      max_msgs_per_subject: 1,
    },
    {
      ...common,
      name: STREAMS.logs,
      subjects: [subjects.allLogs],
      discard: DiscardPolicy.Old,
      max_age: nanos(LIMITS.outputRetentionMs),
      max_bytes: LOG_BYTES,
    },
  ];
}

function bucketShapes(): { name: string; ttlMs?: number }[] {
  return [
    { name: BUCKETS.registry },
    { name: BUCKETS.leases, ttlMs: LEASE_TTL_MS },
    { name: BUCKETS.liveness, ttlMs: LIVENESS_TTL_MS },
  ];
}

async function ensureStream(link: NatsLink, shape: StreamShape): Promise<void> {
  try {
    await link.manager.streams.info(shape.name);
    return;
  } catch (error) {
    if (!isJetStreamError(error, JETSTREAM_ERRORS.streamNotFound)) throw error;
  }
  try {
    await link.manager.streams.add(shape);
  } catch (error) {
    // A small disk cannot promise the log's full size: keep logs without a promise.
    if (!shape.max_bytes || !isJetStreamError(error, JETSTREAM_ERRORS.insufficientStorage)) throw error;
    await link.manager.streams.add({ ...shape, max_bytes: -1 });
  }
}
