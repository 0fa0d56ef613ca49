import type { Terminal } from '../terminal/terminal.ts';
import { toDuration } from '../terminal/units.ts';

/** Says what goes on, and how long each step took. */
export interface Steps {
  /** Runs one step; `done` is the line that stays. */
  run<TValue>(
    doing: string,
    step: (progress: (text: string) => void) => Promise<StepResult<TValue>>,
  ): Promise<TValue>;
}

export interface StepResult<TValue> {
  value: TValue;
  done: string;
  /** Lines that stay, too. @defaultValue none */
  warnings?: readonly string[] | undefined;
}

/** Steps on standard error, or, with `quiet`, nowhere. */
export function createSteps(terminal: Terminal, options: { quiet?: boolean } = {}): Steps {
  const style = terminal.noteStyle;
  return {
    async run(doing, step) {
      if (options.quiet) return (await step(() => {})).value;
      const startedAtMs = performance.now();
      terminal.progress(doing);
      try {
        const { value, done, warnings = [] } = await step((text) => terminal.progress(text));
        const duration = style.dim(toDuration(performance.now() - startedAtMs));
        terminal.note(`${style.green('✓')} ${done} ${duration}`);
        for (const warning of warnings) terminal.note(`${style.yellow('!')} ${warning}`);
        return value;
      } catch (error) {
        terminal.progress('');
        throw error;
      }
    },
  };
}
