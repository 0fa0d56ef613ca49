import { InvalidError } from '@gantry/protocol';

import { containerHost } from './host.ts';

const LONGEST_WAIT_MS = 24 * 3600 * 1000;

/**
 * True on the developer's machine (programs, tests, builds), false in a container.
 *
 * @example
 * ```ts
 * const config = isLocal() ? readFileSync('config.json', 'utf8') : undefined;
 * ```
 */
export function isLocal(): boolean {
  return containerHost() === undefined;
}

/** Id of the input whose code runs now; undefined outside containers and outside inputs. */
export function currentInputId(): string | undefined {
  return containerHost()?.currentInput()?.inputId;
}

/** Id of the call that the running input belongs to; undefined outside containers and outside inputs. */
export function currentFunctionCallId(): string | undefined {
  return containerHost()?.currentInput()?.callId;
}

/**
 * Fires when the running input is cancelled or times out, or its container is preempted; undefined outside
 * containers and outside inputs. After a preemption the input runs again elsewhere, whatever code that asked for
 * its signal returns.
 *
 * @example
 * ```ts
 * const page = await fetch(url, { signal: currentSignal() ?? null });
 * ```
 */
export function currentSignal(): AbortSignal | undefined {
  return containerHost()?.currentInput()?.signal;
}

/**
 * Lets this container take no more inputs: it finishes those it has, runs its `@exit` hooks and ends, and the
 * next inputs get other containers. For code that notices that its container is worn out. Does nothing
 * outside containers.
 *
 * @example
 * ```ts
 * if (process.memoryUsage().rss > 2 ** 30) stopFetchingInputs();
 * ```
 */
export function stopFetchingInputs(): void {
  containerHost()?.stopFetching();
}

/**
 * Preempts this container after `waitMs`, and up to `jitterMs` more at random, as happens at any time when its
 * machine shuts down: `SIGINT` listeners and the signals of running inputs are called, `@exit` hooks run, and
 * after 30 s the container is killed. Inputs that did not end with a value run again elsewhere. To see how code
 * takes it. Does nothing outside containers.
 *
 * @throws {@link InvalidError} if a time is no number of milliseconds of at least 0.
 *
 * @example
 * ```ts
 * process.once('SIGINT', () => saveCheckpoint());
 * simulatePreemption(5_000, 1_000);
 * ```
 */
export function simulatePreemption(waitMs: number, jitterMs = 0): void {
  for (const [name, value] of Object.entries({ waitMs, jitterMs })) {
    if (typeof value === 'number' && value >= 0 && value <= LONGEST_WAIT_MS) continue;
    throw new InvalidError(
      `simulatePreemption: ${name} must be from 0 to ${LONGEST_WAIT_MS} milliseconds, not ${String(value)}`,
    );
  }
  const host = containerHost();
  if (!host) return;
  setTimeout(() => host.requestPreemption(), waitMs + Math.random() * jitterMs).unref();
}
