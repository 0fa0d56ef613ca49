import { describe, expect, test } from 'vitest';

import { Board, BOXES } from './board.ts';

describe('a board', () => {
  test('begins without a check, and takes changes of boxes that there are', () => {
    const board = new Board();

    expect(board.set({ box: 9_999, checked: true })).toBe(true);
    expect(board.set({ box: 9_999, checked: true })).toBe(false);
    expect(board.set({ box: BOXES, checked: true })).toBe(false);
    expect(board.set({ box: -1, checked: true })).toBe(false);
    expect(board.set({ box: 0.5, checked: true })).toBe(false);
    expect([board.countChecked(), board.isChecked(9_999), board.version]).toEqual([1, true, 1]);
  });

  test('is the same when it is made of its bits again', () => {
    const board = new Board();
    for (const box of [0, 7, 8, 4_711]) board.set({ box, checked: true });

    const again = new Board(board.bits);

    expect([again.countChecked(), again.isChecked(7), again.isChecked(9)]).toEqual([4, true, false]);
    expect(new Board(new Uint8Array(3)).countChecked()).toBe(0);
  });

  test('tells each box once that changed since', () => {
    const board = new Board();
    board.set({ box: 1, checked: true });
    board.set({ box: 2, checked: true });
    const { version } = board;
    board.set({ box: 3, checked: true });
    board.set({ box: 1, checked: false });
    board.set({ box: 3, checked: false });

    expect(board.changesSince(version)).toEqual([
      { box: 3, checked: false },
      { box: 1, checked: false },
    ]);
    expect(board.changesSince(board.version)).toEqual([]);
    expect(board.changesSince(0)).toHaveLength(3);
  });
});
