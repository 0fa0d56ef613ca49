import { readConnectionFile } from './connection-file.ts';
import { ConfigFile } from './config-file.ts';
import { CONFIG_KEYS, readValue, type ConfigKey, type ConfigValues } from './config-keys.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface ConfigOptions {
  /** @defaultValue that of `GANTRY_PROFILE`, else the active one */
  profile?: string | undefined;
  /** False reads the file alone. @defaultValue true */
  useEnv?: boolean | undefined;
}

/** A setting, and what says so. */
export interface FoundSetting<T = unknown> {
  value: T;
  /** Such as `GANTRY_TOKEN`, `profile "production"`, `gantry up` or `default`. */
  source: string;
}

/**
 * Finds one setting: environment variable, then profile, then, for a profile that names no server, what
 * `gantry up` wrote on this machine, then the default.
 *
 * @throws {@link InvalidError} for a value that the key does not take, or a damaged file.
 */
export function findSetting<K extends ConfigKey>(
  key: K,
  env: Env,
  { profile, useEnv = true }: ConfigOptions = {},
): FoundSetting<ConfigValues[K]> {
  const { variable, file: fileKey, fallback } = CONFIG_KEYS[key];
  const given = env[variable];
  if (useEnv && given !== undefined && given !== '') {
    return { value: readValue(key, given, variable), source: variable };
  }
  const file = ConfigFile.read(env);
  const name = file.select(useEnv ? env : {}, profile);
  const table = file.get(name);
  if (table[fileKey] !== undefined) {
    const where = `"${fileKey}" of the profile "${name}" in "${file.path}"`;
    return { value: readValue(key, table[fileKey], where), source: `profile "${name}"` };
  }
  const stored = table[CONFIG_KEYS.serverUrl.file] === undefined ? storedValue(key, env) : undefined;
  if (stored !== undefined) return { value: stored as ConfigValues[K], source: 'gantry up' };
  return { value: fallback, source: 'default' };
}

function storedValue(key: ConfigKey, env: Env): string | undefined {
  if (key !== 'serverUrl' && key !== 'token' && key !== 'environment') return undefined;
  return readConnectionFile(env)?.[key];
}

/**
 * The settings of this program's clients and of the `gantry` command. Each comes from its environment variable, else
 * from the active profile in the configuration file, else from what `gantry up` wrote, else it has a default.
 *
 * @example
 * ```ts
 * config.get('environment'); // 'main'
 * config.get('serverUrl', { profile: 'production' });
 * config.overrideLocally('environment', 'test'); // for this process and those that it starts
 * ```
 */
export const config = {
  /** @throws {@link InvalidError} for a value that the key does not take, {@link NotFoundError} for an unknown profile. */
  get<K extends ConfigKey>(key: K, options: ConfigOptions = {}): ConfigValues[K] {
    return findSetting(key, process.env, options).value;
  },
  /** Sets the environment variable of a key for this process; nothing is written to the file. */
  overrideLocally(key: ConfigKey, value: string): void {
    readValue(key, value, CONFIG_KEYS[key].variable);
    process.env[CONFIG_KEYS[key].variable] = value;
  },
  /** All settings, the token among them. */
  toObject(options: ConfigOptions = {}): ConfigValues {
    const keys = Object.keys(CONFIG_KEYS) as ConfigKey[];
    return Object.fromEntries(keys.map((key) => [key, this.get(key, options)])) as unknown as ConfigValues;
  },
};

/** Names of the profiles in the configuration file; `local`, the platform of this machine, is always there. */
export function configProfiles(): string[] {
  return ConfigFile.read(process.env).names;
}

/**
 * Makes a profile the one that counts where `GANTRY_PROFILE` names none; written to the configuration file.
 *
 * @throws {@link NotFoundError} if there is no such profile.
 */
export function configSetActiveProfile(name: string): void {
  const file = ConfigFile.read(process.env);
  file.activate(file.select({}, name));
}
