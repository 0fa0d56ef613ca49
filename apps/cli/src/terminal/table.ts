import { visibleLength, type Style } from './style.ts';

export interface Column<TRow> {
  title: string;
  cell(row: TRow): string;
  align?: 'left' | 'right';
}

const GAP = '  ';

/** Lays rows out under aligned titles, one string per line. */
export function toTable<TRow>(
  columns: readonly Column<TRow>[],
  rows: readonly TRow[],
  style: Style,
): string[] {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = columns.map((column, at) =>
    Math.max(column.title.length, ...cells.map((row) => visibleLength(row[at] ?? ''))),
  );
  const toLine = (texts: readonly string[]) =>
    texts
      .map((text, at) => pad(text, widths[at] ?? 0, columns[at]?.align))
      .join(GAP)
      .trimEnd();
  const titles = toLine(columns.map((column) => column.title.toUpperCase()));
  return [style.dim(titles), ...cells.map(toLine)];
}

function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const room = ' '.repeat(Math.max(0, width - visibleLength(text)));
  return align === 'right' ? room + text : text + room;
}
