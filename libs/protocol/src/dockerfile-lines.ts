/** An instruction of a Dockerfile. */
export interface DockerfileInstruction {
  /** In capitals. */
  word: string;
  /** What follows the word; continued lines are joined. */
  rest: string;
  /** All of its lines, as written, with comments before it. */
  source: string;
  heredocs: readonly Heredoc[];
}

/** A text within a Dockerfile, between a line that names its end and that end. */
export interface Heredoc {
  /** As written, such as `<<-"EOF"`. */
  marker: string;
  name: string;
  /** Nothing in it stands for anything else. */
  isQuoted: boolean;
  /** With the end of each of its lines, without the tabs that they begin with where the marker says so. */
  text: string;
  /** Its lines and the one that ends it, as written. */
  source: string;
}

const MARKER = /(?<=^|\s)\d*<<(-?)(["']?)([A-Za-z_][\w.-]*)\2(?=$|[\s;|&>)])/g;
const TAKES_HEREDOCS = /^(?:RUN|COPY|ADD)$/;

/** Reads the lines of a Dockerfile. A here-document without an end goes on to the end of all. */
export function readDockerfile(text: string): DockerfileInstruction[] {
  const lines = text.split(/\r?\n/);
  const found: DockerfileInstruction[] = [];
  let open = '';
  let first = 0;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    if (line.trim().startsWith('#') || (open !== '' && line.trim() === '')) continue;
    const isContinued = /\\\s*$/.test(line) && at < lines.length - 1;
    open += isContinued ? line.replace(/\\\s*$/, ' ') : line;
    if (isContinued) continue;
    const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(open.trim()) ?? [];
    open = '';
    if (word === '') continue;
    const heredocs: Heredoc[] = [];
    const source = lines.slice(first, at + 1).join('\n');
    for (const marker of TAKES_HEREDOCS.test(word.toUpperCase()) ? rest.matchAll(MARKER) : []) {
      const heredoc = readHeredoc(marker, lines, at + 1);
      heredocs.push(heredoc);
      at += heredoc.source.split('\n').length;
    }
    found.push({ word: word.toUpperCase(), rest, source, heredocs });
    first = at + 1;
  }
  return found;
}

function readHeredoc(match: RegExpExecArray, lines: readonly string[], from: number): Heredoc {
  const [marker, dash, quote, name = ''] = match;
  const shown = (line: string) => (dash ? line.replace(/^\t+/, '') : line);
  const end = lines.findIndex((line, at) => at >= from && shown(line) === name);
  const body = lines.slice(from, end < 0 ? lines.length : end);
  return {
    ...{ marker, name, isQuoted: quote !== '' },
    text: body.map((line) => `${shown(line)}\n`).join(''),
    source: [...body, ...(end < 0 ? [] : [lines[end] as string])].join('\n'),
  };
}
