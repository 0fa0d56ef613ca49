import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { AuthError, ConnectionError, DEFAULTS, InvalidError } from '@gantry/protocol';

/** Which server to talk to, and as whom. */
export interface ConnectionSettings {
  /** Such as `http://127.0.0.1:7400`. */
  serverUrl: string;
  token: string;
  /** @defaultValue 'main' */
  environment: string;
}

/**
 * Reads the settings from `GANTRY_SERVER_URL`, `GANTRY_TOKEN` and `GANTRY_ENVIRONMENT`, and what these leave
 * open from `connection.json` in `GANTRY_DATA_DIR` (`~/.gantry`), which `gantry up` writes.
 *
 * @throws {@link ConnectionError} if no server is known, {@link AuthError} if no token is.
 */
export function findConnectionSettings(
  env: Readonly<Record<string, string | undefined>> = process.env,
): ConnectionSettings {
  const path = join(env['GANTRY_DATA_DIR'] ?? join(homedir(), '.gantry'), 'connection.json');
  const complete = env['GANTRY_SERVER_URL'] !== undefined && env['GANTRY_TOKEN'] !== undefined;
  const file = complete ? {} : readConnectionFile(path);
  const serverUrl = env['GANTRY_SERVER_URL'] ?? file.serverUrl;
  const token = env['GANTRY_TOKEN'] ?? file.token;
  if (serverUrl === undefined) {
    throw new ConnectionError(`no server is known: there is no "${path}"`, {
      hint: 'Start the platform: gantry up (or set GANTRY_SERVER_URL and GANTRY_TOKEN).',
    });
  }
  if (token === undefined) {
    throw new AuthError(`no token is known for the server "${serverUrl}"`, {
      hint: 'Set GANTRY_TOKEN, or start the platform here: gantry up',
    });
  }
  const environment = env['GANTRY_ENVIRONMENT'] ?? file.environment ?? DEFAULTS.environment;
  return { serverUrl: assertServerUrl(serverUrl), token, environment };
}

/** @throws {@link InvalidError} if the text is no http(s) address. Removes a trailing slash. */
export function assertServerUrl(serverUrl: string): string {
  const url = URL.canParse(serverUrl) ? new URL(serverUrl) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new InvalidError(`the server URL "${serverUrl}" is not valid`, {
      hint: 'Use an address such as http://127.0.0.1:7400.',
    });
  }
  return serverUrl.replace(/\/+$/, '');
}

function readConnectionFile(path: string): Partial<ConnectionSettings> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return {};
  }
  try {
    const stored = JSON.parse(text) as Partial<ConnectionSettings> | null;
    const fields = [stored?.serverUrl, stored?.token, stored?.environment];
    if (stored && fields.every((field) => field === undefined || typeof field === 'string')) return stored;
  } catch (cause) {
    throw new ConnectionError(`the file "${path}" is not valid JSON`, {
      hint: 'Start the platform again: gantry up',
      cause,
    });
  }
  throw new ConnectionError(`the file "${path}" does not say how to reach a platform`, {
    hint: 'Start the platform again: gantry up',
  });
}
