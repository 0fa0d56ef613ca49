import { InvalidError, NotFoundError } from '@gantry/protocol';
import { parse, stringify, TomlError } from 'smol-toml';

import {
  dirname,
  existsSync,
  join,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from '../node-modules.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** One table of the file: settings as they are written there. */
export type Profile = Readonly<Record<string, unknown>>;

/** The profile of the platform that `gantry up` runs on this machine; it needs no table in the file. */
export const LOCAL_PROFILE = 'local';

const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const OWNER_ONLY_FOLDER = 0o700;
const OWNER_ONLY_FILE = 0o600;

/** Where a platform on this machine keeps its state, and clients their settings. */
export function dataDirOf(env: Env): string {
  return env['GANTRY_DATA_DIR'] ?? join(process.getBuiltinModule('node:os').homedir(), '.gantry');
}

/**
 * The profiles of a configuration file, by name. At most one is active; without one it is `local`.
 *
 * Reading is strict, because a slip must not lead to another cluster. Writing replaces the file as a whole, so
 * that others see the old or the new one; comments in it are lost.
 */
export class ConfigFile {
  readonly path: string;
  readonly profiles: ReadonlyMap<string, Profile>;

  private constructor(path: string, profiles: ReadonlyMap<string, Profile>) {
    this.path = path;
    this.profiles = profiles;
  }

  /**
   * Reads `GANTRY_CONFIG_PATH`, else `config.toml` in the data directory. A file that does not exist is empty.
   *
   * @throws {@link InvalidError} if it cannot be read, is not TOML, or holds anything but profiles.
   */
  static read(env: Env): ConfigFile {
    const path = env['GANTRY_CONFIG_PATH'] ?? join(dataDirOf(env), 'config.toml');
    const tables = Object.entries(parseFile(path));
    for (const [name, table] of tables) {
      if (NAME.test(name) && isTable(table)) continue;
      throw new InvalidError(`"${name}" in the file "${path}" is no profile`, {
        hint: 'Each profile is a table, such as [production], with keys below it.',
      });
    }
    return new ConfigFile(path, new Map(tables as [string, Profile][]));
  }

  /** Names of all profiles, `local` first. */
  get names(): string[] {
    const others = [...this.profiles.keys()].filter((name) => name !== LOCAL_PROFILE);
    return [LOCAL_PROFILE, ...others.sort()];
  }

  /**
   * The profile that counts: the one named, else that of `GANTRY_PROFILE`, else the active one.
   *
   * @throws {@link NotFoundError} for a name that is not there, {@link InvalidError} if several are active.
   */
  select(env: Env, name?: string): string {
    const wanted = [name, env['GANTRY_PROFILE']].find((each) => each !== undefined && each !== '');
    if (wanted === undefined) return this.active;
    if (this.names.includes(wanted)) return wanted;
    const where = name === wanted ? '' : ' of GANTRY_PROFILE';
    throw new NotFoundError(`the profile "${wanted}"${where} does not exist in "${this.path}"`, {
      hint: `Profiles: ${this.names.join(', ')}. Make one with "gantry token set --profile ${wanted}".`,
    });
  }

  /** @throws {@link InvalidError} if several profiles are active. */
  get active(): string {
    const active = [...this.profiles].filter(([, { active }]) => active === true).map(([name]) => name);
    if (active.length <= 1) return active[0] ?? LOCAL_PROFILE;
    throw new InvalidError(`the profiles ${active.join(' and ')} are all active in "${this.path}"`, {
      hint: `Choose one: gantry profile activate ${active[0] ?? LOCAL_PROFILE}`,
    });
  }

  get(name: string): Profile {
    return this.profiles.get(name) ?? {};
  }

  /** Makes one profile active, and no other. */
  activate(name: string): void {
    const profiles = new Map<string, Profile>();
    for (const [each, { active: _active, ...rest }] of [...this.profiles, [name, this.get(name)] as const]) {
      profiles.set(each, each === name ? { ...rest, active: true } : rest);
    }
    this.#write(profiles);
  }

  /** Changes keys of a profile, or makes it; undefined removes a key. The first profile made is active at once. */
  change(name: string, keys: Readonly<Record<string, unknown>>, options: { activate?: boolean } = {}): void {
    if (!NAME.test(name)) {
      throw new InvalidError(`a profile cannot be called "${name}"`, {
        hint: 'Use up to 64 letters, digits, dashes, dots and underscores.',
      });
    }
    const merged = Object.entries({ ...this.get(name), ...keys }).filter(([, value]) => value !== undefined);
    const changed = new ConfigFile(
      this.path,
      new Map([...this.profiles, [name, Object.fromEntries(merged)]]),
    );
    if (options.activate) changed.activate(name);
    else changed.#write(changed.profiles);
  }

  #write(profiles: ReadonlyMap<string, Profile>): void {
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: OWNER_ONLY_FOLDER });
      // Where it is a link, as people who keep such files elsewhere have it, the link stays.
      const path = existsSync(this.path) ? realpathSync(this.path) : this.path;
      const draft = `${path}.${process.pid}.new`;
      writeFileSync(draft, `${stringify(Object.fromEntries(profiles))}\n`, { mode: OWNER_ONLY_FILE });
      renameSync(draft, path);
    } catch (cause) {
      throw new InvalidError(`the file "${this.path}" cannot be written: ${(cause as Error).message}`, {
        cause,
        hint: 'Check its folder, or name another file with GANTRY_CONFIG_PATH.',
      });
    }
  }
}

function parseFile(path: string): Record<string, unknown> {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    const reason =
      cause instanceof TomlError ? `is not valid TOML, at line ${cause.line}` : (cause as Error).message;
    throw new InvalidError(`the file "${path}" cannot be read: ${reason}`, {
      cause,
      hint: 'Correct it, or name another file with GANTRY_CONFIG_PATH.',
    });
  }
}

function isTable(value: unknown): value is Profile {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
