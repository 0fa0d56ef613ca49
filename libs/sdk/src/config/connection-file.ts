import { InvalidError } from '@gantry/protocol';

import { join, readFileSync } from '../node-modules.ts';
import { dataDirOf } from './config-file.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What `gantry up` writes about the platform on this machine. */
export interface StoredConnection {
  serverUrl?: string;
  token?: string;
  environment?: string;
  workspace?: string;
  gatewayUrl?: string;
  /** Certificate of the local authority that signs the gateway's certificates. */
  caPath?: string;
}

const HINT = 'Restart "gantry up": it writes it.';

export function connectionFilePath(dataDir: string): string {
  return join(dataDir, 'connection.json');
}

/**
 * Reads `connection.json` in the data directory; undefined if there is none.
 *
 * @throws {@link InvalidError} if it cannot be read or is damaged.
 */
export function readConnectionFile(env: Env): StoredConnection | undefined {
  const path = connectionFilePath(dataDirOf(env));
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new InvalidError(`the file "${path}" cannot be read: ${(cause as Error).message}`, {
      cause,
      hint: 'Check its permissions, or name another data directory with GANTRY_DATA_DIR.',
    });
  }
  const stored = parse(path, text);
  if (isConnection(stored)) return stored;
  throw new InvalidError(`the file "${path}" does not say how to reach a platform`, { hint: HINT });
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidError(`the file "${path}" is not valid JSON`, { cause, hint: HINT });
  }
}

function isConnection(value: unknown): value is StoredConnection {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((field) => typeof field === 'string');
}
