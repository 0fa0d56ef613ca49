import { assertName, AuthError, ConnectionError, InvalidError } from '@gantry/protocol';

import { findSetting, type FoundSetting } from './config/config.ts';
import { readConnectionFile, type StoredConnection } from './config/connection-file.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Which server to talk to, and as whom. */
export interface ConnectionSettings {
  /** Such as `http://127.0.0.1:7400`. */
  serverUrl: string;
  token: string;
  /** @defaultValue 'main' */
  environment: string;
}

/** The settings, and what `gantry up` says about a platform on this machine if they lead to it. */
export type Connection = ConnectionSettings & Pick<StoredConnection, 'workspace' | 'gatewayUrl' | 'caPath'>;

export interface ConnectionOptions {
  /** Wins over all that says which environment. */
  environment?: string | undefined;
  profile?: string | undefined;
}

/**
 * Finds out how to reach the platform: environment variables first, then the active profile, then, for a profile
 * that names no server, what `gantry up` wrote on this machine. In containers the variables alone.
 *
 * @throws {@link ConnectionError} if no server is known, {@link AuthError} if no token is, as in containers, {@link InvalidError} for
 * settings that cannot be right.
 */
export function findConnection(env: Env, options: ConnectionOptions = {}): Connection {
  const { profile } = options;
  // A plain process could read what the owner of the platform has on the machine, which is not for its code.
  if (env['GANTRY_IS_REMOTE'] === '1' && !(env['GANTRY_SERVER_URL'] && env['GANTRY_TOKEN'])) {
    throw new AuthError('code in a container has no credentials of the platform', {
      hint: 'Functions, volumes, dicts and queues are used by their names, without any. For all else, give it a secret with GANTRY_SERVER_URL and GANTRY_TOKEN.',
    });
  }
  const serverUrl = findSetting('serverUrl', env, { profile });
  if (serverUrl.value === undefined) {
    throw new ConnectionError('no Gantry platform is known on this machine', {
      hint: 'Start one with "gantry up", log in to one with "gantry token set", or set GANTRY_SERVER_URL and GANTRY_TOKEN.',
    });
  }
  const token = findSetting('token', env, { profile });
  const environment = options.environment ?? findSetting('environment', env, { profile }).value;
  assertName('environment', environment);
  const { workspace, gatewayUrl, caPath } =
    serverUrl.source === 'gantry up' ? (readConnectionFile(env) ?? {}) : {};
  return {
    serverUrl: assertServerUrl(serverUrl.value, serverUrl.source),
    token: requireToken(token, serverUrl.value),
    environment,
    ...(workspace === undefined ? {} : { workspace }),
    ...(gatewayUrl === undefined ? {} : { gatewayUrl }),
    ...(caPath === undefined ? {} : { caPath }),
  };
}

/** @throws {@link InvalidError} if the text is no http(s) address. Removes a trailing slash. */
export function assertServerUrl(serverUrl: string, source?: string): string {
  const protocol = URL.parse(serverUrl)?.protocol;
  if (protocol === 'http:' || protocol === 'https:') return serverUrl.replace(/\/+$/, '');
  const from = source === undefined ? '' : ` It comes from ${source}.`;
  throw new InvalidError(`the server URL "${serverUrl}" is not valid`, {
    hint: `Use an address such as http://127.0.0.1:7400.${from}`,
  });
}

// It travels in a header.
function requireToken({ value, source }: FoundSetting<string | undefined>, serverUrl: string): string {
  if (value === undefined) {
    throw new AuthError(`no token is known for the server "${serverUrl}"`, {
      hint: 'Log in with "gantry token set", or set GANTRY_TOKEN.',
    });
  }
  if (/^[\x21-\x7e]+$/.test(value)) return value;
  throw new AuthError('the token holds characters that no token has', { hint: `It comes from ${source}.` });
}
