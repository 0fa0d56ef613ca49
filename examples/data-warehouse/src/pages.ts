import type { Row } from './duck.ts';
import type { Model } from './models.ts';

/** What a page shows of a model. */
export interface ModelPage {
  model: Model;
  rows: number;
  sample: Row[];
}

/** The pages of the site about the warehouse, by their file names. */
export function pagesOf(pages: readonly ModelPage[]): Map<string, string> {
  const links = pages.map(
    ({ model: { name, about }, rows }) =>
      `<li><a href="?page=${name}">${name}</a> (${rows} rows): ${escaped(about)}</li>`,
  );
  const all = new Map([['index.html', page('Tables', `<ul>${links.join('')}</ul>`)]]);
  for (const each of pages) all.set(`${each.model.name}.html`, modelPage(each));
  return all;
}

function modelPage({ model, rows, sample }: ModelPage): string {
  const columns = Object.keys(sample[0] ?? {});
  const head = columns.map((column) => `<th>${escaped(column)}</th>`).join('');
  const lines = sample.map((row) => {
    const cells = columns.map((column) => `<td>${escaped(String(row[column]))}</td>`);
    return `<tr>${cells.join('')}</tr>`;
  });
  const refs = model.refs.map((ref) => `<a href="?page=${ref}">${ref}</a>`).join(', ') || 'raw data';
  return page(
    model.name,
    `<p>${escaped(model.about)}</p><p>${rows} rows, made from ${refs}</p>` +
      `<pre>${escaped(model.sql)}</pre><table><tr>${head}</tr>${lines.join('')}</table>`,
  );
}

function page(title: string, body: string): string {
  return `<!doctype html><meta charset="utf-8"><title>${escaped(title)}</title><h1>${escaped(title)}</h1>${body}\n`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

/** A chart with a bar for each row, as SVG. */
export function barChart(bars: readonly { label: string; value: number }[]): string {
  const most = Math.max(1, ...bars.map(({ value }) => value));
  const lines = bars.map(({ label, value }, index) => {
    const y = 10 + index * 30;
    const width = Math.round((value / most) * 400);
    return (
      `<rect x="110" y="${y}" width="${width}" height="20" fill="steelblue"/>` +
      `<text x="100" y="${y + 15}" text-anchor="end">${escaped(label)}</text>` +
      `<text x="${116 + width}" y="${y + 15}">${value}</text>`
    );
  });
  const height = 20 + bars.length * 30;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="620" height="${height}" font-family="sans-serif" font-size="13">` +
    `${lines.join('')}</svg>\n`
  );
}
