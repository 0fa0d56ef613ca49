import { containerHost } from './host.ts';

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
 * Fires when the running input is cancelled or times out; undefined outside containers and outside inputs.
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
