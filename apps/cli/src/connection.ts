import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

import { assertName, AuthError, ConnectionError, DEFAULTS, InvalidError } from '@gantry/protocol';

type Env = Readonly<Record<string, string | undefined>>;

/** How to reach a platform, as `gantry up` writes it to `connection.json`. */
export interface Connection {
  serverUrl: string;
  token: string;
  environment: string;
  workspace?: string | undefined;
  gatewayUrl?: string | undefined;
  /** Certificate of the local authority that signs the gateway's certificates. */
  caPath?: string | undefined;
}

/** Where the platform of this user keeps its state. */
export function findDataDir(env: Env, option: string | undefined): string {
  return path.resolve(option ?? env['GANTRY_DATA_DIR'] ?? path.join(homedir(), '.gantry'));
}

export function connectionPath(dataDir: string): string {
  return path.join(dataDir, 'connection.json');
}

/**
 * Finds out how to reach the platform: environment variables first, then `connection.json`.
 *
 * @throws {@link ConnectionError} when neither says.
 */
export function readConnection(env: Env, options: { environment?: string | undefined } = {}): Connection {
  const stored = readStored(connectionPath(findDataDir(env, undefined)));
  const serverUrl = env['GANTRY_SERVER_URL'] ?? stored?.serverUrl;
  const token = env['GANTRY_TOKEN'] ?? stored?.token;
  if (!serverUrl || !token) {
    throw new ConnectionError('no Gantry platform is known on this machine', {
      hint: 'Start one with "gantry up", or set GANTRY_SERVER_URL and GANTRY_TOKEN.',
    });
  }
  const environment =
    options.environment ?? env['GANTRY_ENVIRONMENT'] ?? stored?.environment ?? DEFAULTS.environment;
  assertName('environment', environment);
  return { ...stored, serverUrl: requireUrl(serverUrl), token: requireToken(token), environment };
}

function requireUrl(serverUrl: string): string {
  const protocol = URL.parse(serverUrl)?.protocol;
  if (protocol === 'http:' || protocol === 'https:') return serverUrl.replace(/\/+$/, '');
  throw new InvalidError(`the server's address "${serverUrl}" is no http or https address`, {
    hint: 'It comes from GANTRY_SERVER_URL, else from connection.json, which "gantry up" writes.',
  });
}

// It travels in a header.
function requireToken(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new AuthError('the token holds characters that no token has', {
    hint: 'It comes from GANTRY_TOKEN, else from connection.json, which "gantry up" writes.',
  });
}

function readStored(file: string): Connection | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new InvalidError(`the file "${file}" cannot be read: ${(cause as Error).message}`, {
      cause,
      hint: 'Check its permissions, or name another data directory with GANTRY_DATA_DIR.',
    });
  }
  const stored = parse(file, text);
  if (isConnection(stored)) return stored;
  throw new InvalidError(`the file "${file}" does not say how to reach a platform`, {
    hint: 'Restart "gantry up": it writes it.',
  });
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidError(`the file "${file}" is not valid JSON`, {
      cause,
      hint: 'Restart "gantry up": it writes it.',
    });
  }
}

function isConnection(value: unknown): value is Connection {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((field) => typeof field === 'string');
}
