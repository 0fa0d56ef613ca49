import { assertSecretValues, NotFoundError, type SecretValues } from '@gantry/protocol';

import { dirname, join, readFileSync, resolve, statSync } from './node-modules.ts';

export interface DotenvOptions {
  /** What the file is called that is searched for. @defaultValue '.env' */
  filename?: string;
}

/** Files that were read for their values: who deploys learns from it what to watch. */
const READ = Symbol.for('gantry.readFiles');
const globals = globalThis as { [READ]?: string[] };

const MODULE = /\.[cm]?[jt]sx?$/;

/**
 * Reads a dotenv file.
 *
 * @throws {@link NotFoundError} if there is none, {@link InvalidError} for variables that cannot be.
 */
export function readDotenv(path: string | undefined, { filename = '.env' }: DotenvOptions): SecretValues {
  const file = findDotenv(resolve(path ?? '.'), filename);
  (globals[READ] ??= []).push(file);
  // Not imported: Node would load all that this module of it offers in every container.
  const { parseEnv } = process.getBuiltinModule('node:util');
  const values: unknown = { ...parseEnv(readFileSync(file, 'utf8')) };
  assertSecretValues(`the file "${file}"`, values);
  return values;
}

/** @throws {@link NotFoundError} naming the variables that are not set. */
export function readLocalEnviron(keys: readonly string[]): SecretValues {
  const missing = keys.filter((key) => process.env[key] === undefined);
  if (missing.length > 0) {
    const names = missing.map((key) => `"${key}"`).join(', ');
    throw new NotFoundError(`a secret of the app takes ${names} from the environment, where it is not set`, {
      hint: 'Set it where you deploy or run the app.',
    });
  }
  return Object.fromEntries(keys.map((key) => [key, process.env[key] ?? '']));
}

function findDotenv(start: string, filename: string): string {
  const kind = kindOf(start);
  if (kind === 'file' && !MODULE.test(start)) return start;
  const first = kind === 'folder' ? start : dirname(start);
  for (let folder = first; ; folder = dirname(folder)) {
    const file = join(folder, filename);
    if (kindOf(file) === 'file') return file;
    if (dirname(folder) === folder) break;
  }
  throw new NotFoundError(
    `a secret of the app takes its values from "${filename}", which is not in "${first}"`,
    {
      hint: 'Put the file there or into a folder above, or name it: Secret.fromDotenv(path).',
    },
  );
}

function kindOf(path: string): 'file' | 'folder' | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return 'folder';
  return stat?.isFile() ? 'file' : undefined;
}
