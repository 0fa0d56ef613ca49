import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { inspect } from 'node:util';

import { InvalidError } from '@gantry/protocol';

/**
 * Writes the result of a run into a file: text as UTF-8, bytes as they are.
 *
 * @throws InvalidError for any other result, and for a file that cannot be written.
 */
export async function writeResult(file: string, result: unknown): Promise<void> {
  if (typeof result !== 'string' && !(result instanceof Uint8Array)) {
    throw new InvalidError(`--write-result takes text or bytes, and the result is ${describe(result)}`, {
      hint: 'Let the function return a string or a Uint8Array, such as JSON.stringify(…).',
    });
  }
  try {
    await writeFile(file, result);
  } catch (cause) {
    throw new InvalidError(`the result cannot be written to "${file}": ${(cause as Error).message}`, {
      cause,
      hint: 'Name another file with --write-result.',
    });
  }
}

/**
 * Finds out whether a result could be written, before anything runs for it.
 *
 * @throws InvalidError if the path is a folder, or lies in none.
 */
export async function checkResultPath(file: string): Promise<void> {
  const folder = path.dirname(file);
  const [found, above] = await Promise.all([kindOf(file), kindOf(folder)]);
  if (found !== 'folder' && above === 'folder') return;
  const problem = found === 'folder' ? `"${file}" is a folder` : `there is no folder "${folder}"`;
  throw new InvalidError(`the result could not be written: ${problem}`, {
    hint: 'Name another file with --write-result.',
  });
}

async function kindOf(place: string): Promise<'folder' | 'other' | undefined> {
  const found = await stat(place).catch(() => undefined);
  return found && (found.isDirectory() ? 'folder' : 'other');
}

function describe(result: unknown): string {
  if (result === undefined) return 'nothing';
  return inspect(result, { depth: 1, breakLength: Infinity, maxStringLength: 60, maxArrayLength: 5 });
}
