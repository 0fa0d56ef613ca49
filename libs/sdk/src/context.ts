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
 * Gives the running input the terminal of whoever runs the app, until the input ends: `process.stdin` reads its keys,
 * and what the input prints appears there alone. Needs `gantry run -i`, or `app.run({ interactive: true })`. One input
 * of a container has it at a time. Where the code runs locally, the terminal is its own already.
 *
 * @throws {@link InvalidError} in an app that is not run in interactive mode, outside inputs, and while another input
 * of this container has the terminal; {@link InteractiveTimeoutError} if nobody lends one within 30 s.
 *
 * @example
 * ```ts
 * await interact();
 * const reader = createInterface({ input: process.stdin, output: process.stdout });
 * const name = await reader.question('Your name? ');
 * ```
 */
export async function interact(): Promise<void> {
  const host = containerHost();
  if (!host) return;
  if (!host.interactive) {
    throw new InvalidError('interact() needs an app that is run in interactive mode', {
      hint: 'Start it with `gantry run -i`, or with app.run({ interactive: true }).',
    });
  }
  if (!host.currentInput()) {
    throw new InvalidError('interact() was called outside of an input', {
      hint: 'Call it in a function or a method, not in a hook or while the module loads.',
    });
  }
  await host.interact();
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
