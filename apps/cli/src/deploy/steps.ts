import type { Terminal } from '../terminal/terminal.ts';
import { toDuration } from '../terminal/units.ts';

/** Says what goes on, and how long each step took. */
export interface Steps {
  /** Runs one step; `done` is the line that stays. */
  run<TValue>(
    doing: string,
    step: (progress: (text: string) => void) => Promise<StepResult<TValue>>,
  ): Promise<TValue>;
  /** For steps of which others tell: what goes on, what it prints, and that it is done, after how long or how. */
  progress(text: string): void;
  output(line: string): void;
  done(text: string, took: number | 'cached' | 'ready'): void;
  /** Nothing of it is shown. */
  readonly isQuiet: boolean;
}

export interface StepResult<TValue> {
  value: TValue;
  done: string;
  /** Lines that say more about it, and stay. @defaultValue none */
  details?: readonly string[] | undefined;
  /** Lines that stay, too. @defaultValue none */
  warnings?: readonly string[] | undefined;
}

/** Steps on standard error, or, with `quiet`, nowhere. */
export function createSteps(terminal: Terminal, options: { quiet?: boolean } = {}): Steps {
  const style = terminal.noteStyle;
  const { quiet = false } = options;
  const done: Steps['done'] = (text, took) => {
    const shown = style.dim(typeof took === 'string' ? took : toDuration(took));
    terminal.note(`${style.green('✓')} ${text} ${shown}`);
  };
  return {
    isQuiet: quiet,
    progress: (text) => (quiet ? undefined : terminal.progress(text)),
    output: (line) => (quiet ? undefined : terminal.note(style.dim(`  │ ${line}`))),
    done: (text, took) => (quiet ? undefined : done(text, took)),
    async run(doing, step) {
      if (quiet) return (await step(() => {})).value;
      const startedAtMs = performance.now();
      terminal.progress(doing);
      try {
        const result = await step((text) => terminal.progress(text));
        done(result.done, performance.now() - startedAtMs);
        for (const detail of result.details ?? []) terminal.note(style.dim(`  ${detail}`));
        for (const warning of result.warnings ?? []) terminal.note(`${style.yellow('!')} ${warning}`);
        return result.value;
      } catch (error) {
        terminal.progress('');
        throw error;
      }
    },
  };
}
