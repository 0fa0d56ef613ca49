import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TOOLS_DIRECTORY = fileURLToPath(new URL('../../../.tools/bin', import.meta.url));

/**
 * Finds a program for a test: the path in an environment variable wins, then the repository's `.tools/bin`,
 * then `PATH`.
 *
 * @returns The absolute path, or undefined when the program is nowhere.
 */
export function findProgram(name: string, environmentVariable: string): string | undefined {
  const named = process.env[environmentVariable];
  if (named) return named;
  const directories = [TOOLS_DIRECTORY, ...(process.env['PATH'] ?? '').split(delimiter)];
  return directories
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
