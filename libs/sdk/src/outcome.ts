import { decodeValue, fromWireError, RemoteError, type Outcome } from '@gantry/protocol';

import type { PayloadStore } from './payloads.ts';

/** Who waits for an input. */
export interface Waiter {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Tells a waiter how an input ended: with its value, the user's error, or the platform's. */
export function settleOutcome(outcome: Outcome, waiter: Waiter, payloads: PayloadStore): void {
  if (outcome.type === 'failure') return waiter.reject(fromWireError(outcome.failure));
  const payload = outcome.type === 'value' ? outcome.value : outcome.error;
  // Without a promise where none is needed: this runs once per call.
  if (payload instanceof Uint8Array) return settleInline(outcome, payload, waiter);
  payloads.load(payload.blob).then((bytes) => settleInline(outcome, bytes, waiter), waiter.reject);
}

function settleInline(outcome: Outcome, bytes: Uint8Array, waiter: Waiter): void {
  let value: unknown;
  try {
    value = decodeValue(bytes);
  } catch (error) {
    return waiter.reject(error);
  }
  if (outcome.type === 'error') waiter.reject(toRemoteError(value, outcome.stack));
  else waiter.resolve(value);
}

/**
 * What the user's code threw, as the caller gets it: an Error keeps its class and gains `remoteStack`; another
 * value becomes the cause of a `RemoteError`.
 */
export function toRemoteError(thrown: unknown, stack: string | undefined): Error {
  const error =
    thrown instanceof Error
      ? thrown
      : new RemoteError(`the function threw ${describeThrown(thrown)}`, { cause: thrown });
  const remoteStack = stack ?? (thrown instanceof Error ? thrown.stack : undefined);
  if (remoteStack === undefined) return error;
  const headline = `${error.name}: ${error.message}`;
  const frames = remoteStack.startsWith(headline) ? remoteStack.slice(headline.length + 1) : remoteStack;
  hide(error, 'remoteStack', remoteStack);
  hide(error, 'stack', `${headline}\n  Remote stack:\n${frames}`);
  return error;
}

function describeThrown(thrown: unknown): string {
  return thrown === null || typeof thrown !== 'object'
    ? (JSON.stringify(thrown) ?? String(thrown))
    : 'an object';
}

function hide(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: false, writable: true, configurable: true });
}
