/** Style of the documentation page; follows the reader's light or dark preference. */
export const DOCS_STYLE = `
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --ink: #16191f; --soft: #5d6675; --line: #e2e6ec;
  --code: #f1f3f6; --accent: #2f5fe3; --good: #12805c; --bad: #c02b3c; --on-accent: #fff; }
@media (prefers-color-scheme: dark) { :root { --bg: #0f1115; --card: #171a21; --ink: #e8ebf0; --soft: #98a2b3;
  --line: #272c36; --code: #10131a; --accent: #7aa2ff; --good: #4cc38a; --bad: #ff7b89; --on-accent: #0f1115; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 20px 80px; }
header { margin-bottom: 24px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 8px; letter-spacing: -.02em; }
h2 { font-size: 13px; text-transform: uppercase; letter-spacing: .07em; color: var(--soft); margin: 0 0 12px; }
p { margin: 0 0 8px; white-space: pre-line; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
code, pre, textarea, input, select { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.route { display: flex; align-items: center; gap: 10px; margin-top: 12px; flex-wrap: wrap; }
.verb { background: var(--accent); color: var(--on-accent); font: 600 12px/1 ui-monospace, monospace; padding: 6px 9px;
  border-radius: 6px; letter-spacing: .04em; }
.grid { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 20px; align-items: start; }
@media (max-width: 800px) { .grid { grid-template-columns: minmax(0, 1fr); } }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 20px; margin-bottom: 20px; }
.row { display: grid; grid-template-columns: minmax(90px, 34%) 1fr; gap: 4px 14px; padding: 10px 0; border-top: 1px solid var(--line); }
.row:first-of-type { border-top: 0; padding-top: 0; }
.row:last-child { padding-bottom: 0; }
.row .soft { font-size: 14px; }
.name { font: 600 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
.name i { color: var(--bad); font-style: normal; margin-left: 2px; }
.type { color: var(--soft); font: 13px/1.5 ui-monospace, monospace; }
.soft { color: var(--soft); }
label { display: block; margin-bottom: 12px; }
label .name { display: block; margin-bottom: 4px; }
input, select, textarea { width: 100%; padding: 8px 10px; border: 1px solid var(--line); border-radius: 8px;
  background: var(--code); color: var(--ink); }
input:focus, select:focus, textarea:focus { outline: 2px solid var(--accent); outline-offset: -1px; }
textarea { min-height: 230px; resize: vertical; }
button { background: var(--accent); color: var(--on-accent); border: 0; border-radius: 8px; padding: 9px 18px;
  font: inherit; font-weight: 600; cursor: pointer; } button:disabled { opacity: .5; cursor: default; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 8px; padding: 12px; margin: 0;
  overflow: auto; max-height: 420px; white-space: pre-wrap; overflow-wrap: anywhere; }
.status { display: flex; gap: 10px; align-items: baseline; margin: 18px 0 8px; font-weight: 600; }
.good { color: var(--good); } .bad { color: var(--bad); }
`;
