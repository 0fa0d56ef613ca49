/** The keyboard of a terminal, as far as it is needed here. */
export interface Keyboard {
  isTTY?: boolean | undefined;
  setRawMode?(raw: boolean): unknown;
}

/**
 * Has a terminal pass on every key as it is, Ctrl-C included, until it is disposed of or this process ends. What is
 * no terminal stays as it is.
 */
export function rawKeyboard(keyboard: Keyboard): Disposable {
  if (!keyboard.isTTY || !keyboard.setRawMode) return { [Symbol.dispose]: () => undefined };
  const restore = () => {
    process.off('exit', restore);
    keyboard.setRawMode?.(false);
  };
  process.on('exit', restore);
  keyboard.setRawMode(true);
  return { [Symbol.dispose]: restore };
}
