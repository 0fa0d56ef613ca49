import { InvalidError, type SecretRef, type StepOptions } from '@gantry/protocol';

import { checkKeys, checkSecrets } from '../option-checks.ts';
import { gpuWishes } from '../placement-checks.ts';
import type { BuildStepOptions } from './image-options.ts';

/** Any number of texts or lists of texts, then the options of the step, or none. */
export type WordsThen<TOptions> =
  (string | readonly string[])[] | [...words: (string | readonly string[])[], options: TOptions];

/** Options that every step has. */
export const STEP_KEYS = ['forceBuild', 'secrets', 'gpu'];

/**
 * Takes `(...words, options?)` apart.
 *
 * @throws {@link InvalidError} if a word is no text, or on an option that is not known.
 */
export function splitWords<TOptions extends object>(
  subject: string,
  args: readonly unknown[],
  keys: readonly string[] = STEP_KEYS,
): { words: string[]; options: Partial<TOptions> } {
  const last = args.at(-1);
  const hasOptions = typeof last === 'object' && last !== null && !Array.isArray(last);
  const words = (hasOptions ? args.slice(0, -1) : args).flat() as unknown[];
  for (const word of words) checkText(subject, word);
  const options = (hasOptions ? last : {}) as Partial<TOptions>;
  checkKeys(subject, options, keys);
  return { words: words as string[], options };
}

/** @throws {@link InvalidError} on an option that neither every step has nor this one. */
export function checkStepKeys(subject: string, options: object, known: readonly string[]): void {
  checkKeys(subject, options, [...STEP_KEYS, ...known]);
}

/** The options that every step has, in the form of the manifest. */
export function stepFields(subject: string, { forceBuild, secrets, gpu }: BuildStepOptions): StepOptions {
  checkSecrets(subject, secrets);
  if (forceBuild !== undefined && typeof forceBuild !== 'boolean') {
    throw new InvalidError(`${subject}: forceBuild must be true or false, not ${String(forceBuild)}`);
  }
  return {
    ...(forceBuild ? { forceBuild: true } : {}),
    // They turn themselves into what a manifest says of them.
    ...(secrets && secrets.length > 0 ? { secrets: secrets as unknown as SecretRef[] } : {}),
    ...(gpu === undefined ? {} : { gpu: stepGpu(subject, gpu) }),
  };
}

// A list of one is that one, so its step is the same.
function stepGpu(subject: string, gpu: unknown): string | string[] {
  const wishes = gpuWishes(subject, gpu);
  const [only] = wishes;
  return only !== undefined && wishes.length === 1 ? only : wishes;
}

/** @throws {@link InvalidError} for anything but a text with something in it. */
export function checkText(subject: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && value.trim() !== '' && !value.includes('\0')) return;
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  throw new InvalidError(`${subject} takes texts, not ${shown}`);
}

/** Options that are text if they are there. */
export function checkTexts(subject: string, options: object, keys: readonly string[]): void {
  for (const key of keys) {
    const value: unknown = Reflect.get(options, key);
    if (value !== undefined) checkText(`${subject}: ${key}`, value);
  }
}

/** @throws {@link InvalidError} if a package's name is an option of its installer. */
export function checkPackages(subject: string, packages: readonly string[], pattern?: RegExp): void {
  for (const name of packages) {
    if (name.startsWith('-')) {
      throw new InvalidError(`${subject}: "${name}" is an option, not a package`, {
        hint: `Write ${subject.replace('Image.', 'image.')}('package', { extraOptions: '${name}' }), where the step has that option.`,
      });
    }
    if (pattern && !pattern.test(name)) {
      throw new InvalidError(`${subject}: "${name}" is no name of a package`);
    }
  }
}

/** @throws {@link InvalidError} for anything but an absolute path of Linux. */
export function checkAbsolute(subject: string, path: unknown): asserts path is string {
  checkText(subject, path);
  if (path.startsWith('/') && !path.split('/').includes('..')) return;
  throw new InvalidError(`${subject}: the path "${path}" in the container must be absolute, without ".."`, {
    hint: 'Begin it with a slash, such as /data/words.txt.',
  });
}

/** @throws {@link InvalidError} for a path that could lead out of the working directory. */
export function checkRemotePath(subject: string, path: unknown): asserts path is string {
  checkText(subject, path);
  if (!path.split('/').includes('..')) return;
  throw new InvalidError(`${subject}: the path "${path}" in the container must not contain ".."`);
}

/** Names are those of environment variables, values are text. */
export function checkVariables(
  subject: string,
  variables: unknown,
): asserts variables is Record<string, string> {
  if (typeof variables !== 'object' || variables === null || Array.isArray(variables)) {
    throw new InvalidError(`${subject} takes an object, such as { LANG: 'C.UTF-8' }`);
  }
  for (const [name, value] of Object.entries(variables as Record<string, unknown>)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || typeof value !== 'string' || value.includes('\0')) {
      throw new InvalidError(`${subject}: "${name}" is no valid environment variable with a text value`);
    }
    if (!name.startsWith('GANTRY_')) continue;
    throw new InvalidError(`${subject}: the environment variable "${name}" is reserved`, {
      hint: 'Choose a name that does not start with GANTRY_.',
    });
  }
}

/** @throws {@link InvalidError} for anything but a version such as `22`, `3.12` or `22.12.0`. */
export function checkVersions(subject: string, options: object, keys: readonly string[]): void {
  for (const key of keys) {
    const value: unknown = Reflect.get(options, key);
    if (value === undefined || (typeof value === 'string' && /^\d+(?:\.\d+){0,2}$/.test(value))) continue;
    throw new InvalidError(
      `${subject}: ${key} must be a version such as '22' or '3.12', not ${String(value)}`,
    );
  }
}
