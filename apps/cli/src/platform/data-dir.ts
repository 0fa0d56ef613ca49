import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { InvalidError } from '@gantry/protocol';
import { dataDirOf } from 'gantry/internal';

const OWNER_ONLY_FOLDER = 0o700;
const OWNER_ONLY_FILE = 0o600;

/** Where the platform of this user keeps its state. */
export function findDataDir(
  env: Readonly<Record<string, string | undefined>>,
  option: string | undefined,
): string {
  return path.resolve(option ?? dataDirOf(env));
}

/** Makes the data directory, readable by its owner alone. */
export async function prepareDataDir(dataDir: string): Promise<void> {
  // What containers are shown of it belongs to somebody else in there, whatever the umask of who starts the platform.
  process.umask(0o022);
  try {
    await makeFolder(dataDir);
    await chmod(dataDir, OWNER_ONLY_FOLDER);
  } catch (cause) {
    throw new InvalidError(`the data directory "${dataDir}" cannot be used: ${(cause as Error).message}`, {
      cause,
      hint: 'Name a directory of your own with --data-dir.',
    });
  }
}

// Node's own recursive mkdir never returns where a folder exists that takes no others, such as /proc.
async function makeFolder(folder: string): Promise<void> {
  const make = () => mkdir(folder, { mode: OWNER_ONLY_FOLDER });
  try {
    await make();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return;
    if (code !== 'ENOENT') throw error;
    await makeFolder(path.dirname(folder));
    await make();
  }
}

/** The API token of this data directory; made at the first start. */
export async function readOrCreateToken(dataDir: string): Promise<string> {
  const file = path.join(dataDir, 'token');
  const present = await readIfThere(file);
  if (present?.trim()) return present.trim();
  const token = `gt-${randomBytes(24).toString('base64url')}`;
  await writePrivateFile(file, `${token}\n`);
  return token;
}

/** The token, if this data directory has one. */
export async function readToken(dataDir: string): Promise<string | undefined> {
  return (await readIfThere(path.join(dataDir, 'token')))?.trim();
}

/** Writes a file that only its owner can read; readers see the old or the new content, never half of it. */
export async function writePrivateFile(file: string, content: string): Promise<void> {
  const draft = `${file}.${process.pid}.new`;
  await writeFile(draft, content, { mode: OWNER_ONLY_FILE });
  await rename(draft, file);
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
