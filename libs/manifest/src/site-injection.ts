import MagicString from 'magic-string';
import type ts from 'typescript';

import type { ErrorClass } from './error-classes.ts';
import type { RegistrationCall } from './registration-calls.ts';

interface Injection {
  calls: readonly RegistrationCall[];
  /** The file's error classes. */
  errorClasses: readonly ErrorClass[];
  /** Path for the site, relative to the project. */
  file: string;
}

/**
 * Adds to each registration the argument that says where it stands, and tells the SDK of the file's error classes,
 * so that errors of these classes arrive as such.
 */
export function injectSites(
  source: ts.SourceFile,
  { calls, errorClasses, file }: Injection,
): { code: string; map: ReturnType<MagicString['generateMap']> } | undefined {
  if (calls.length === 0 && errorClasses.length === 0) return undefined;
  const text = new MagicString(source.text);
  for (const { call, name, line } of calls) {
    const site = JSON.stringify({ name, file, line });
    const last = call.arguments.at(-1);
    // Without arguments the site would be taken for the options, which come first.
    if (last) text.appendLeft(last.getEnd(), `, ${site}`);
    else text.appendLeft(call.getEnd() - 1, `undefined, ${site}`);
  }
  // Right behind the class, not at the end of the file: a module may call functions while it loads.
  for (const { name, end } of errorClasses)
    text.appendLeft(end, `;(globalThis[Symbol.for('gantry.errorClasses')] ??= []).push(${name});`);
  return {
    code: text.toString(),
    map: text.generateMap({ hires: 'boundary', source: file, includeContent: true }),
  };
}
