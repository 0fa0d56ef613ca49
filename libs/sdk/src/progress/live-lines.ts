import { screenOwner } from './screen.ts';

/** A stream as far as lines are concerned. */
export interface LineStream {
  write(chunk: string | Uint8Array, ...rest: never[]): boolean;
  readonly isTTY?: boolean | undefined;
  /** Characters of a line. */
  readonly columns?: number | undefined;
}

export interface LiveLinesOptions {
  stdout: LineStream;
  stderr: LineStream;
  env: Readonly<Record<string, string | undefined>>;
}

/** Says what a line shows at present; undefined for nothing. */
export type LineText = () => string | undefined;

/** The terminal while lines are on it. */
interface Screen {
  write(text: string): void;
  restore(): void;
}

const REDRAW_MS = 100;
const ERASED_LINE = '\u001b[1A\u001b[2K';
const USUAL_COLUMNS = 80;

/**
 * Lines on standard error that change while other things are printed: below what was printed last, and only while
 * that ends in a whole line.
 *
 * Invariants
 *   L1. While there are lines, every write to the terminal goes through here: it erases them first. So they are never
 *       in the middle of something else, nor is anything in the middle of them.
 *   L2. The cursor is at the start of the line below them: a process that is killed leaves whole lines.
 */
export class LiveLines {
  readonly #options: LiveLinesOptions;
  readonly #lines = new Set<LineText>();
  readonly #isColoured: boolean;
  #screen: Screen | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOpening = false;
  /** Lines that are on the screen. */
  #drawn = 0;
  /** What was printed last goes on in its line. */
  #isMidLine = false;

  constructor(options: LiveLinesOptions) {
    this.#options = options;
    this.#isColoured = !options.env['NO_COLOR'];
  }

  /** Lines can change where people watch. */
  get isPossible(): boolean {
    return this.#options.stderr.isTTY === true && this.#options.env['TERM'] !== 'dumb';
  }

  /** Shows one more line until the returned function is called. */
  add(text: LineText): () => void {
    this.#lines.add(text);
    if (!this.#screen && !this.#isOpening) void this.#open();
    return () => {
      this.#lines.delete(text);
      if (this.#lines.size === 0) this.#close();
    };
  }

  async #open(): Promise<void> {
    this.#isOpening = true;
    await screenOwner()?.lend();
    this.#isOpening = false;
    this.#screen = this.#takeScreen();
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS).unref();
    if (this.#lines.size === 0) return this.#close();
    this.#draw();
  }

  #close(): void {
    if (!this.#screen) return;
    clearInterval(this.#timer);
    this.#erase();
    this.#screen.restore();
    this.#screen = undefined;
    screenOwner()?.giveBack();
  }

  #takeScreen(): Screen {
    const { stdout, stderr } = this.#options;
    const errors = this.#wrap(stderr);
    const results = stdout.isTTY ? this.#wrap(stdout) : undefined;
    return {
      write: errors.write,
      restore() {
        errors.restore();
        results?.restore();
      },
    };
  }

  #wrap(stream: LineStream): Screen {
    const own = Object.getOwnPropertyDescriptor(stream, 'write');
    const original = stream.write.bind(stream);
    const wrapped: LineStream['write'] = (chunk, ...rest) => {
      this.#erase();
      if (chunk.length > 0) this.#isMidLine = chunk.at(-1) !== '\n' && chunk.at(-1) !== 10;
      return original(chunk, ...rest);
    };
    stream.write = wrapped;
    return {
      write: (text) => void original(text),
      restore: () => {
        // Somebody who wrapped it meanwhile goes on with what this one does without lines, which is nothing.
        if (stream.write !== wrapped) return;
        if (own) Object.defineProperty(stream, 'write', own);
        else delete (stream as Partial<LineStream>).write;
      },
    };
  }

  #erase(): void {
    if (this.#drawn === 0) return;
    this.#screen?.write(ERASED_LINE.repeat(this.#drawn));
    this.#drawn = 0;
  }

  #draw(): void {
    if (this.#isMidLine) return;
    const columns = this.#options.stderr.columns || USUAL_COLUMNS;
    // A line that wraps cannot be erased.
    const texts = [...this.#lines].flatMap((text) => text()?.slice(0, columns - 1) ?? []);
    const erased = ERASED_LINE.repeat(this.#drawn);
    if (texts.length === 0 && erased === '') return;
    this.#drawn = texts.length;
    this.#screen?.write(erased + texts.map((text) => `${this.#dim(text)}\n`).join(''));
  }

  #dim(text: string): string {
    return this.#isColoured ? `\u001b[2m${text}\u001b[22m` : text;
  }
}

const LINES = Symbol.for('gantry.liveLines');

// On globalThis: two copies of this module that draw at one place would erase each other's lines.
const globals = globalThis as { [LINES]?: LiveLines };

/** The lines of this process. */
export function liveLines(): LiveLines {
  const { stdout, stderr, env } = process;
  return (globals[LINES] ??= new LiveLines({ stdout, stderr, env }));
}
