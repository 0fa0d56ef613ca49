import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from './paths.mjs';

const PAGE = join(ROOT, 'docs', 'capabilities.md');
const ROW = /^- \*\*(C\d+) /;

const rows = readFileSync(PAGE, 'utf8')
  .split('\n')
  .filter((line) => ROW.test(line))
  .map((line) => [ROW.exec(line)[1], line]);

/** The files that a row links to, each with the titles that follow its link. */
function proofsOf(row) {
  return [...row.matchAll(/\]\(([^)]+)\)([^[]*)/g)].map(([, link, rest]) => ({
    file: join(dirname(PAGE), link),
    titles: [...rest.matchAll(/"([^"]+)"/g)].map(([, title]) => title),
  }));
}

/** True if the text has the title, whose `…` stands for anything within a line. */
function hasTitle(text, title) {
  const parts = title.split('…').map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`));
  // Quotes inside a title are escaped in the source.
  return new RegExp(parts.join('.*').replaceAll("'", String.raw`\\?'`)).test(text);
}

describe('docs/capabilities.md', () => {
  test('lists each capability once', () => {
    const names = rows.map(([name]) => name);

    expect(names.length).toBeGreaterThan(0);
    expect(new Set(names).size).toBe(names.length);
  });

  test.each(rows)('%s names tests that are there', (_name, row) => {
    const missing = proofsOf(row).flatMap(({ file, titles }) => {
      const text = readFileSync(file, 'utf8');
      return titles.filter((title) => !hasTitle(text, title)).map((title) => `${file}: ${title}`);
    });

    expect(missing).toEqual([]);
  });
});
