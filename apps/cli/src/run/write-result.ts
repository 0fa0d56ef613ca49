import { writeFile } from 'node:fs/promises';
import { inspect } from 'node:util';

import { InvalidError } from '@gantry/protocol';

/**
 * Writes the result of a run into a file: text as UTF-8, bytes as they are.
 *
 * @throws InvalidError for any other result, and for a file that cannot be written.
 */
export async function writeResult(path: string, result: unknown): Promise<void> {
  if (typeof result !== 'string' && !(result instanceof Uint8Array)) {
    throw new InvalidError(`--write-result takes text or bytes, and the result is ${describe(result)}`, {
      hint: 'Let the function return a string or a Uint8Array, such as JSON.stringify(…).',
    });
  }
  try {
    await writeFile(path, result);
  } catch (cause) {
    throw new InvalidError(`the result cannot be written to "${path}": ${(cause as Error).message}`, {
      cause,
      hint: 'Name another file with --write-result.',
    });
  }
}

function describe(result: unknown): string {
  if (result === undefined) return 'nothing';
  return inspect(result, { depth: 1, breakLength: Infinity, maxStringLength: 60, maxArrayLength: 5 });
}
