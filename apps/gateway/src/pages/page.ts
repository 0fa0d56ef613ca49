import { PAGE_STYLE } from './page-style.ts';

/** A small page of the gateway itself. All texts are plain; `code` is shown as code. */
export function renderPage(page: {
  status: string;
  title: string;
  lines: readonly string[];
  code?: string;
}): string {
  const lines = page.lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('\n');
  const code = page.code === undefined ? '' : `<p><code>${escapeHtml(page.code)}</code></p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(page.title)}</title>
<link rel="icon" href="data:,">
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<div class="status">${escapeHtml(page.status)}</div>
<h1>${escapeHtml(page.title)}</h1>
${lines}
${code}
</main>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
