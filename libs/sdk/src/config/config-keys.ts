import { DEFAULTS, InvalidError } from '@gantry/protocol';

/** The settings of a client. */
export interface ConfigValues {
  /** Address of the server's API, such as `http://127.0.0.1:7400`. */
  serverUrl: string | undefined;
  token: string | undefined;
  /** Where names are looked up and apps go. @defaultValue 'main' */
  environment: string;
  /** Stacks of errors that commands end with are shown. @defaultValue false */
  traceback: boolean;
  /** Deploys build all images anew, and what comes out is used from then on. @defaultValue false */
  forceBuild: boolean;
  /** Deploys build all images anew, for themselves alone. @defaultValue false */
  ignoreCache: boolean;
  /**
   * What builds do about local files that images take along and that change meanwhile: fail, say so, or neither.
   * @defaultValue 'error'
   */
  buildValidation: 'error' | 'warning' | 'ignore';
  /** How long a command waits for the last logs of its app. @defaultValue 10_000 */
  logsTimeoutMs: number;
}

export type ConfigKey = keyof ConfigValues;

interface KeySpec<T> {
  /** The key in the file. */
  file: string;
  /** The environment variable, which wins over the file. */
  variable: string;
  fallback: T;
  /** Undefined for what is no such value. */
  read(value: unknown): T | undefined;
  wanted: string;
}

const VALIDATIONS = ['error', 'warning', 'ignore'] as const;
const FALSE: readonly unknown[] = [false, 0, '0', '', 'false', 'False'];

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Every setting, and how file and environment variable spell it. */
export const CONFIG_KEYS: { readonly [K in ConfigKey]: KeySpec<ConfigValues[K]> } = {
  serverUrl: {
    file: 'server_url',
    variable: 'GANTRY_SERVER_URL',
    fallback: undefined,
    read: text,
    wanted: 'an address such as https://gantry.example.org',
  },
  token: { file: 'token', variable: 'GANTRY_TOKEN', fallback: undefined, read: text, wanted: 'a token' },
  environment: {
    file: 'environment',
    variable: 'GANTRY_ENVIRONMENT',
    fallback: DEFAULTS.environment,
    read: text,
    wanted: 'the name of an environment',
  },
  traceback: {
    file: 'traceback',
    variable: 'GANTRY_TRACEBACK',
    fallback: false,
    read: (value) => !FALSE.includes(value),
    wanted: 'true or false',
  },
  forceBuild: {
    file: 'force_build',
    variable: 'GANTRY_FORCE_BUILD',
    fallback: false,
    read: (value) => !FALSE.includes(value),
    wanted: 'true or false',
  },
  ignoreCache: {
    file: 'ignore_cache',
    variable: 'GANTRY_IGNORE_CACHE',
    fallback: false,
    read: (value) => !FALSE.includes(value),
    wanted: 'true or false',
  },
  buildValidation: {
    file: 'build_validation',
    variable: 'GANTRY_BUILD_VALIDATION',
    fallback: 'error',
    read: (value) => VALIDATIONS.find((known) => known === value),
    wanted: '"error", "warning" or "ignore"',
  },
  logsTimeoutMs: {
    file: 'logs_timeout_ms',
    variable: 'GANTRY_LOGS_TIMEOUT_MS',
    fallback: 10_000,
    read: milliseconds,
    wanted: 'a number of milliseconds',
  },
};

function milliseconds(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && number <= 2 ** 31 - 1 ? number : undefined;
}

/**
 * Reads what a file or variable says.
 *
 * @param where - What messages call the place.
 * @throws {@link InvalidError} for a value that the key does not take.
 */
export function readValue<K extends ConfigKey>(key: K, value: unknown, where: string): ConfigValues[K] {
  const spec = CONFIG_KEYS[key];
  const found = spec.read(value);
  if (found !== undefined) return found;
  throw new InvalidError(`${where} must be ${spec.wanted}`, { hint: 'Correct it, or remove it.' });
}
