import { BuildError, GantryError } from '@gantry/protocol';
import { findSetting } from 'gantry/internal';

import { errorText } from './error-text.ts';
import type { Style } from './terminal/style.ts';
import type { Terminal } from './terminal/terminal.ts';

/**
 * Prints an error for people: `error[CODE]: what happened`, then `hint: what to do next`. The stack is for those
 * who set GANTRY_TRACEBACK=1, or `traceback` in their profile.
 */
export function reportError(
  error: unknown,
  terminal: Terminal,
  env: Readonly<Record<string, string | undefined>>,
): void {
  const style = terminal.noteStyle;
  const [code, message, hint] = describe(error);
  const lines = [...shownMistakes(error)].flatMap(({ text, frame }) => [
    printable(text),
    ...(frame === undefined
      ? []
      : [
          '',
          ...printable(frame)
            .split('\n')
            .map((line) => paintFrame(line, style)),
          '',
        ]),
  ]);
  const shown = lines.length > 0 ? lines.join('\n') : printable(message);
  terminal.note(`${style.red(style.bold(`error[${code}]:`))} ${shown}`);
  if (hint) terminal.note(`${style.cyan('hint:')} ${hint}`);
  if (wantsTraceback(env) && error instanceof Error && error.stack)
    terminal.note(style.dim(errorText(error)));
}

/** The mistakes of a build, for those that can be shown in their sources. */
function shownMistakes(error: unknown): { text: string; frame?: string }[] {
  const mistakes = error instanceof BuildError ? error.details['mistakes'] : undefined;
  if (!Array.isArray(mistakes)) return [];
  return (mistakes as { text?: unknown; frame?: string }[]).every(({ text }) => typeof text === 'string')
    ? (mistakes as { text: string; frame?: string }[])
    : [];
}

/** The line that is meant stands out, as does the mark below it. */
function paintFrame(line: string, style: Style): string {
  if (line.startsWith('>')) return `  ${style.red('>')}${line.slice(1)}`;
  return /\| *\^$/.test(line) ? `  ${line.slice(0, -1)}${style.red('^')}` : `  ${style.dim(line)}`;
}

// A message may quote what is in files or what code printed; in a terminal, control characters do things.
function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, '?');
}

/** The same as one line of JSON, for programs: commands with `--json` print it where they print their result. */
export function errorJson(error: unknown): string {
  const [code, message, hint] = describe(error);
  return JSON.stringify({ error: { code, message, hint } });
}

function describe(error: unknown): [code: string, message: string, hint: string | undefined] {
  if (error instanceof GantryError) return [error.code, error.message + siteOf(error), error.hint];
  const message = error instanceof Error ? error.message : String(error);
  return ['INTERNAL', message, 'Set GANTRY_TRACEBACK=1 to see where this comes from.'];
}

/** A build error knows where in the user's sources it stands. */
function siteOf(error: GantryError): string {
  const { file, line } = error.details;
  if (typeof file !== 'string' || error.message.includes(file)) return '';
  return `\n  at ${file}${typeof line === 'number' ? `:${line}` : ''}`;
}

function wantsTraceback(env: Readonly<Record<string, string | undefined>>): boolean {
  try {
    return findSetting('traceback', env).value;
  } catch {
    // A damaged configuration file has its own message, where it is needed.
    return false;
  }
}
