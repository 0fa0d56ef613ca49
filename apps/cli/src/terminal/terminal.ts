import { createStyle, wantsColour, type Style } from './style.ts';

/** Where a command writes. Results go to `out`; everything that is only for people goes to `note`. */
export interface Terminal {
  /** Writes one line of the result to standard output. */
  out(line: string): void;
  /** Writes one line to standard error. */
  note(line: string): void;
  /** Shows what goes on right now in a line that the next output replaces; silent where nobody watches. */
  progress(text: string): void;
  /** Passes text through as it is, such as the output of containers. */
  raw(stream: 'stdout' | 'stderr', text: string): void;
  /** Paints for standard output. */
  readonly style: Style;
  /** Paints for standard error. */
  readonly noteStyle: Style;
}

interface TerminalStream {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  /** Characters of a line; of a stream that is none of people's undefined. */
  columns?: number | undefined;
}

export interface TerminalOptions {
  stdout: TerminalStream;
  stderr: TerminalStream;
  env: Readonly<Record<string, string | undefined>>;
}

const CLEAR_LINE = '\r\u001b[2K';

/** Makes the terminal of this process, or, in tests, of any two streams. */
export function createTerminal({ stdout, stderr, env }: TerminalOptions): Terminal {
  let progressShown = false;
  const clear = () => {
    if (progressShown) stderr.write(CLEAR_LINE);
    progressShown = false;
  };
  const write = (stream: TerminalStream, text: string) => {
    clear();
    stream.write(text);
  };
  const noteStyle = createStyle(wantsColour(stderr.isTTY === true, env));
  return {
    out: (line) => write(stdout, `${line}\n`),
    note: (line) => write(stderr, `${line}\n`),
    raw: (stream, text) => write(stream === 'stdout' ? stdout : stderr, text),
    progress: (text) => {
      if (!stderr.isTTY) return;
      clear();
      progressShown = text !== '';
      // A line that wraps cannot be replaced.
      const shown = stderr.columns ? text.slice(0, stderr.columns - 1) : text;
      if (progressShown) stderr.write(noteStyle.dim(shown));
    },
    style: createStyle(wantsColour(stdout.isTTY === true, env)),
    noteStyle,
  };
}
