/** Style of the gateway's own pages; follows the reader's light or dark preference. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --ink: #16191f; --soft: #5d6675; --line: #e2e6ec; --accent: #2f5fe3; }
@media (prefers-color-scheme: dark) { :root { --bg: #0f1115; --card: #171a21; --ink: #e8ebf0; --soft: #98a2b3; --line: #272c36; --accent: #7aa2ff; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px; background: var(--bg); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { width: 100%; max-width: 560px; background: var(--card); border: 1px solid var(--line); border-radius: 16px; padding: 36px; }
.status { font: 600 13px/1 ui-monospace, Menlo, Consolas, monospace; color: var(--accent); letter-spacing: .04em; }
h1 { font-size: 24px; line-height: 1.25; margin: 12px 0 8px; letter-spacing: -.02em; overflow-wrap: anywhere; }
p { margin: 0 0 8px; color: var(--soft); } p:last-child { margin: 0; }
code { font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace; background: var(--bg); border: 1px solid var(--line);
  border-radius: 6px; padding: 2px 6px; overflow-wrap: anywhere; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
`;
