import { describe, expect, test } from 'vitest';

import { createStyle, wantsColour } from './style.ts';
import { toTable } from './table.ts';

interface Row {
  name: string;
  count: number;
}

const COLUMNS = [
  { title: 'name', cell: (row: Row) => row.name },
  { title: 'count', cell: (row: Row) => String(row.count), align: 'right' as const },
];
const ROWS = [
  { name: 'shop', count: 3 },
  { name: 'long-name', count: 1200 },
];

describe('toTable', () => {
  test('aligns columns under their titles, numbers to the right', () => {
    expect(toTable(COLUMNS, ROWS, createStyle(false))).toEqual([
      'NAME       COUNT',
      'shop           3',
      'long-name   1200',
    ]);
  });

  test('does not count colour codes as room', () => {
    const style = createStyle(true);
    const painted = [
      { ...COLUMNS[0], title: 'name', cell: (row: Row) => style.bold(row.name) },
      COLUMNS[1] ?? COLUMNS[0],
    ];

    const lines = toTable(
      painted.filter((column) => column !== undefined),
      ROWS,
      style,
    );

    expect(lines[1]).toBe('\u001b[1mshop\u001b[22m           3');
  });

  test('prints only titles for no rows', () => {
    expect(toTable(COLUMNS, [], createStyle(false))).toEqual(['NAME  COUNT']);
  });
});

describe('wantsColour', () => {
  test('paints on terminals only', () => {
    expect(wantsColour(true, {})).toBe(true);
    expect(wantsColour(false, {})).toBe(false);
    expect(wantsColour(true, { TERM: 'dumb' })).toBe(false);
  });

  test('lets NO_COLOR win over FORCE_COLOR', () => {
    expect(wantsColour(true, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColour(false, { FORCE_COLOR: '1' })).toBe(true);
    expect(wantsColour(false, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
  });
});
