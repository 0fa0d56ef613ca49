import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InvalidError } from '@gantry/protocol';
import { type GantryProject, USUAL_ENTRY } from './gantry-project.ts';

/** Files that may make their folder a Gantry project. */
export const PROJECT_FILES = '**/{gantry.config.ts,gantry.config.mjs,gantry.config.json,package.json}';

interface GantrySettings {
  entry?: string;
}

/**
 * Reads what makes a folder a Gantry project: a `gantry.config.*` file, or a `gantry` key in its `package.json`.
 *
 * @param file - The file that was found, relative to the workspace.
 * @returns Undefined when the folder is an ordinary project.
 * @throws InvalidError when one of the files is no JSON.
 */
export function readProject(file: string, root: string): GantryProject | undefined {
  const folder = join(root, file, '..');
  const packageJson = readJson<{ name?: string; gantry?: GantrySettings }>(join(folder, 'package.json'));
  const isConfig = basename(file).startsWith('gantry.config.');
  if (!isConfig && packageJson?.gantry === undefined) return undefined;
  const config = readJson<GantrySettings>(join(folder, 'gantry.config.json'));
  return {
    name: packageJson?.name ?? basename(folder),
    entry: config?.entry ?? packageJson?.gantry?.entry ?? USUAL_ENTRY,
  };
}

function readJson<T>(path: string): T | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (cause) {
    throw new InvalidError(`"${path}" is not valid JSON`, { cause, hint: 'Mend the file and try again.' });
  }
}
