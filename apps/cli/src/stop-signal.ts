/** Fires at the first Ctrl-C or SIGTERM; a second one ends the process at once. */
export interface StopSignal {
  readonly signal: AbortSignal;
  /** Does what Ctrl-C does. */
  interrupt(): void;
  /** Gives the signals back to Node's default. */
  release(): void;
}

const INTERRUPTED = 130;

/**
 * Takes over SIGINT and SIGTERM.
 *
 * @param onSecond - Last words before the process ends at the second signal; must not wait.
 */
export function stopSignal(onSecond: () => void = () => {}): StopSignal {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) {
      onSecond();
      process.exit(INTERRUPTED);
    }
    controller.abort(new Error('interrupted'));
  };
  process.on('SIGINT', listener);
  process.on('SIGTERM', listener);
  return {
    signal: controller.signal,
    interrupt: listener,
    release: () => {
      process.off('SIGINT', listener);
      process.off('SIGTERM', listener);
    },
  };
}

/** For a promise that the signal ends: nothing comes of it then. */
export function unlessAborted(signal: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}

/** Resolves when the signal fires. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
