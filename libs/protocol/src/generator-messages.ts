import type { Payload } from './payload.ts';

// How the values of a generator travel. The input and the output of such a call are those of any call; values
// travel besides them, over plain NATS, and are kept by the worker until the consumer has taken them.
//
// Invariants
//   G1. Values are numbered from 0 in the order in which they were yielded. A consumer takes each number once,
//       in order, whatever arrives how often; when an attempt starts anew, numbers already taken are dropped.
//   G2. A producer is at most `STREAM_WINDOW` ahead of what the consumer has taken.
//   G3. What a worker dropped, the consumer has taken: values in flight are sent again when asked for, and
//       those not yet taken when the generator ends are part of the stored output. So a lost message, server
//       or connection loses no value, and after the output is stored no worker is needed any more.
//   G4. The end (returned, thrown, failed) is the output, and takes effect after the last value.

/** How far a producer may be ahead of its consumer: as many values, or as many bytes, whichever comes first. */
export const STREAM_WINDOW = {
  values: 64,
  bytes: 1024 * 1024,
  /** A consumer tells how far it is after taking this many values, or bytes. */
  creditEveryValues: 16,
  creditEveryBytes: 256 * 1024,
} as const;

/** Server to client, and worker to session: consecutive values of one input. */
export interface ValuesMessage {
  type: 'values';
  callId: string;
  inputId: string;
  /** Number of the first one. */
  first: number;
  values: Payload[];
  /** The worker that holds them: where `pull` goes. */
  source: string;
}

/** Client to server: how far the consumer of a call is. Harmless to repeat. */
export interface PullMessage {
  type: 'pull';
  callId: string;
  /** Values taken so far. */
  taken: number;
  /** As in the last `values`; without it every worker is told. */
  source?: string | undefined;
  /** Send again, from this number on, what is not taken. */
  againFrom?: number | undefined;
}

/** Session to worker: a {@link PullMessage} on its way. */
export interface CreditMessage {
  callId: string;
  taken: number;
  againFrom?: number | undefined;
}

/** Part of the output of a generator: how many values there are, and those not known to be taken. */
export interface StreamEnd {
  count: number;
  /** Number of the first value in `tail`, which ends with the last value. */
  first: number;
  /** As one blob, the encoded array (`encodeFrame`), if the values together are too large for a message. */
  tail: Payload[] | { blob: string; sizeBytes: number };
}

/** What a payload counts for in {@link STREAM_WINDOW}. */
export function payloadBytes(payload: Payload): number {
  return payload instanceof Uint8Array ? payload.length : payload.sizeBytes;
}
