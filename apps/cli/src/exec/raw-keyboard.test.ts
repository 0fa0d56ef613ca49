import { describe, expect, test } from 'vitest';

import { rawKeyboard } from './raw-keyboard.ts';

function keyboard(isTTY: boolean) {
  const modes: boolean[] = [];
  return { modes, isTTY, setRawMode: (raw: boolean) => modes.push(raw) };
}

describe('the keyboard of a terminal', () => {
  test('is raw until it is disposed of', () => {
    const terminal = keyboard(true);
    {
      using _raw = rawKeyboard(terminal);
      expect(terminal.modes).toEqual([true]);
    }
    expect(terminal.modes).toEqual([true, false]);
  });

  test('is as before when the process ends', () => {
    const terminal = keyboard(true);
    const listeners = process.listeners('exit');
    using _raw = rawKeyboard(terminal);
    const [added] = process.listeners('exit').filter((listener) => !listeners.includes(listener));
    added?.(0);
    expect(terminal.modes.at(-1)).toBe(false);
  });

  test('is left alone where there is no terminal', () => {
    const pipe = keyboard(false);
    rawKeyboard(pipe)[Symbol.dispose]();
    expect(pipe.modes).toEqual([]);
  });
});
