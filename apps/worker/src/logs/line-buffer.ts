/** Whose output a piece of text is: lines of different inputs do not mix. */
export interface LineKey {
  stream: 'stdout' | 'stderr';
  inputId: string | undefined;
}

export interface UnfinishedLine {
  key: LineKey;
  text: string;
}

const MOST_LINE_CHARS = 32 * 1024;
const HOLD_MS = 1_000;

/** Joins pieces of text to lines. A line that takes long to end, or is very long, comes in pieces after all. */
export class LineBuffer {
  readonly #open = new Map<string, UnfinishedLine & { sinceMs: number }>();

  /** The lines that `text` completes, without their line ends. */
  add(key: LineKey, text: string): string[] {
    const name = `${key.stream} ${key.inputId ?? ''}`;
    const before = this.#open.get(name);
    const lines = ((before?.text ?? '') + text).split('\n');
    const rest = lines.pop() ?? '';
    const complete = lines.flatMap((line) => pieces(line.endsWith('\r') ? line.slice(0, -1) : line));
    if (rest.length > MOST_LINE_CHARS) {
      this.#open.delete(name);
      return [...complete, ...pieces(rest)];
    }
    if (rest === '') this.#open.delete(name);
    else this.#open.set(name, { key, text: rest, sinceMs: before?.sinceMs ?? Date.now() });
    return complete;
  }

  /** Takes out what has waited for its line end long enough. */
  takeOld(nowMs: number): UnfinishedLine[] {
    return this.#take((line) => nowMs - line.sinceMs >= HOLD_MS);
  }

  takeAll(): UnfinishedLine[] {
    return this.#take(() => true);
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  #take(due: (line: { sinceMs: number }) => boolean): UnfinishedLine[] {
    const taken: UnfinishedLine[] = [];
    for (const [name, line] of this.#open) {
      if (!due(line)) continue;
      this.#open.delete(name);
      taken.push(line);
    }
    return taken;
  }
}

function pieces(line: string): string[] {
  if (line.length <= MOST_LINE_CHARS) return [line];
  const parts: string[] = [];
  for (let at = 0; at < line.length; at += MOST_LINE_CHARS) parts.push(line.slice(at, at + MOST_LINE_CHARS));
  return parts;
}
