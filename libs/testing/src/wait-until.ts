import { setTimeout as delay } from 'node:timers/promises';
import { GantryTimeoutError } from '@gantry/protocol';

/** How {@link waitUntil} waits. */
export interface WaitUntilOptions {
  /** Give up after this long. @defaultValue 10_000 */
  timeoutMs?: number;
  /** Pause between two looks. @defaultValue 10 */
  intervalMs?: number;
  /** What is awaited, for the error message. @defaultValue 'the condition' */
  what?: string;
}

/**
 * Looks again and again until the predicate returns something truthy, and returns that.
 * An error thrown by the predicate counts as "not yet" and becomes the `cause` when time runs out.
 *
 * @throws {@link GantryTimeoutError} after `timeoutMs`.
 */
export async function waitUntil<T>(
  predicate: () => T | Promise<T>,
  options: WaitUntilOptions = {},
): Promise<NonNullable<T>> {
  const { timeoutMs = 10_000, intervalMs = 10, what = 'the condition' } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const look = await lookOnce(predicate);
    if (look.value) return look.value;
    if (performance.now() >= deadline) {
      throw new GantryTimeoutError(`waited ${timeoutMs} ms for "${what}", which did not happen`, {
        cause: look.error,
      });
    }
    await delay(intervalMs);
  }
}

async function lookOnce<T>(predicate: () => T | Promise<T>): Promise<{ value?: T; error?: unknown }> {
  try {
    return { value: await predicate() };
  } catch (error) {
    return { error };
  }
}
