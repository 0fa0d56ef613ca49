/** Does something, and says how it ended: at once, unless it gives a promise. */
export function settle(
  act: () => unknown,
  onDone: (value: unknown) => void,
  onFailed: (error: unknown) => void,
): void {
  try {
    const value = act();
    if (value instanceof Promise) void value.then(onDone, onFailed);
    else onDone(value);
  } catch (error) {
    onFailed(error);
  }
}
