/** A piece of text, as a terminal would show it. */
export interface StyledText {
  text: string;
  /** Class names, such as `red bold`; empty for plain text. */
  style: string;
}

const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
const [TAB, NEWLINE, ESCAPE, BELL, DELETE, LAST_CONTROL] = [0x09, 0x0a, 0x1b, 0x07, 0x7f, 0x9f];

interface Style {
  colour: string;
  isBold: boolean;
  isDim: boolean;
}

const PLAIN: Style = { colour: '', isBold: false, isDim: false };

/** Splits what a program printed into pieces of one style each, without anything else that only a terminal understands. */
export function terminalText(raw: string): StyledText[] {
  const pieces: StyledText[] = [];
  let style = PLAIN;
  let text = '';
  const push = (): void => {
    if (text !== '') pieces.push({ text, style: classOf(style) });
    text = '';
  };
  for (let at = 0; at < raw.length; at += 1) {
    const code = raw.charCodeAt(at);
    if (code === ESCAPE) {
      const end = endOfSequence(raw, at);
      const isStyle = raw[at + 1] === '[' && raw[end - 1] === 'm';
      if (isStyle) {
        push();
        style = changed(style, raw.slice(at + 2, end - 1));
      }
      at = end - 1;
    } else if (!isControl(code)) text += raw[at];
  }
  push();
  return pieces;
}

/** The same without styles, to search in. */
export function plainText(raw: string): string {
  return terminalText(raw)
    .map(({ text }) => text)
    .join('');
}

function isControl(code: number): boolean {
  if (code === TAB || code === NEWLINE) return false;
  return code < 0x20 || (code >= DELETE && code <= LAST_CONTROL);
}

/** The index behind an escape sequence; one without an end reaches to the end of the text. */
function endOfSequence(raw: string, start: number): number {
  const kind = raw[start + 1] ?? '';
  if (kind === '[') return endWhere(raw, start + 2, (code) => code >= 0x40 && code <= 0x7e);
  if (!']PX^_'.includes(kind) || kind === '') return endWhere(raw, start + 1, (code) => code >= 0x30);
  const end = endWhere(raw, start + 2, (code) => code === BELL || code === ESCAPE);
  // Closed by ESC and a backslash.
  return raw.charCodeAt(end - 1) === ESCAPE ? Math.min(end + 1, raw.length) : end;
}

function endWhere(raw: string, from: number, isLast: (code: number) => boolean): number {
  let at = from;
  while (at < raw.length && !isLast(raw.charCodeAt(at))) at += 1;
  return Math.min(at + 1, raw.length);
}

function changed(before: Style, parameters: string): Style {
  let style = before;
  const codes = parameters.split(';').map(Number);
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    // A colour of 256, or of all, takes the numbers that follow, too; it has no place in the palette of the page.
    if (code === 38 || code === 48) at += codes[at + 1] === 5 ? 2 : 4;
    else style = withCode(style, code);
  }
  return style;
}

function withCode(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, isBold: true };
  if (code === 2) return { ...style, isDim: true };
  if (code === 22) return { ...style, isBold: false, isDim: false };
  if (code === 39) return { ...style, colour: '' };
  const colour = COLOURS[code >= 90 ? code - 90 : code - 30];
  return colour === undefined ? style : { ...style, colour };
}

function classOf({ colour, isBold, isDim }: Style): string {
  return [colour, isBold && 'bold', isDim && 'dim'].filter(Boolean).join(' ');
}
