import {
  assertName,
  assertSecretKey,
  assertSecretValues,
  ExecutionError,
  HANDLE,
  InvalidError,
  registerHandle,
  type HandleState,
  type SecretRef,
  type SecretSummary,
  type SecretValues,
} from '@gantry/protocol';

import { Client } from './client.ts';
import { type DotenvOptions, readDotenv, readLocalEnviron } from './local-values.ts';
import { checkKeys } from './option-checks.ts';

export interface SecretOptions {
  /** @defaultValue the environment of the app that it is given to */
  environment?: string;
  /** A deploy fails, and later a start of a container, if one of them is missing. @defaultValue none */
  requiredKeys?: string[];
}

interface NamedState {
  name: string;
  environment?: string | undefined;
  requiredKeys?: string[] | undefined;
}

const INLINE = Symbol.for('gantry.inlineSecrets');
const globals = globalThis as { [INLINE]?: (() => SecretValues)[] };

/**
 * Environment variables whose values nobody sees: they are in no manifest, bundle, log or list, and encrypted where
 * they are kept.
 *
 * A named one is made with `gantry secret create`, and looked up when a container starts. The others take their values
 * from the machine that deploys or runs the app, each time it does. New values reach containers that start from then on.
 *
 * @example
 * ```ts
 * const app = new App('shop', { secrets: [Secret.fromName('db', { requiredKeys: ['DB_PASSWORD'] })] });
 * export const pay = app.function({ secrets: [Secret.fromDotenv()] }, async () => process.env.STRIPE_KEY);
 * ```
 */
export class Secret {
  readonly #named: NamedState | undefined;
  readonly #read: () => SecretValues;
  #found: SecretSummary | undefined;

  private constructor(named: NamedState | undefined, read: () => SecretValues) {
    this.#named = named;
    this.#read = read;
  }

  /**
   * A secret of the platform. Nothing is looked up here: the deploy fails if there is none of this name.
   *
   * @throws {@link InvalidError} for a name that no secret can have.
   */
  static fromName(name: string, options: SecretOptions = {}): Secret {
    checkKeys('Secret.fromName', options, ['environment', 'requiredKeys']);
    const { environment, requiredKeys } = options;
    assertName('secret', name);
    if (environment !== undefined) assertName('environment', environment);
    if (requiredKeys !== undefined && !Array.isArray(requiredKeys)) {
      throw new InvalidError('Secret.fromName: requiredKeys must be a list of names');
    }
    for (const key of requiredKeys ?? []) assertSecretKey('Secret.fromName: requiredKeys', key);
    return Secret.#ofName({ name, environment, requiredKeys });
  }

  /**
   * Values that the code has at hand where it is deployed from. Null and undefined are left out.
   *
   * @throws {@link InvalidError} for names that no variable can have, and values that are no text.
   *
   * @example
   * ```ts
   * Secret.fromObject({ TOKEN: process.env.CI_TOKEN, STAGE: 'test' });
   * ```
   */
  static fromObject(values: Readonly<Record<string, string | null | undefined>>): Secret {
    if (typeof values !== 'object' || values === null) {
      throw new InvalidError('Secret.fromObject needs an object of texts by name');
    }
    const given = Object.fromEntries(
      Object.entries(values).filter((entry): entry is [string, string] => entry[1] != null),
    );
    assertSecretValues('Secret.fromObject', given);
    return new Secret(undefined, () => given);
  }

  /**
   * What a dotenv file says, read when the app is deployed or run.
   *
   * @param path - The file, or where the search for one begins, which goes up through the folders: a folder, or a module.
   * @defaultValue the working directory
   */
  static fromDotenv(path?: string, options: DotenvOptions = {}): Secret {
    checkKeys('Secret.fromDotenv', options, ['filename']);
    return new Secret(undefined, () => readDotenv(path, options));
  }

  /**
   * Variables of the environment that the app is deployed or run from. There the deploy fails if one is not set.
   *
   * @throws {@link InvalidError} for names that no variable can have.
   */
  static fromLocalEnviron(keys: readonly string[]): Secret {
    if (!Array.isArray(keys)) throw new InvalidError('Secret.fromLocalEnviron needs a list of names');
    for (const key of keys) assertSecretKey('Secret.fromLocalEnviron', key);
    return new Secret(undefined, () => readLocalEnviron(keys));
  }

  /** Undefined for one that the code makes. */
  get name(): string | undefined {
    return this.#named?.name;
  }

  /**
   * Looks a named secret up now.
   *
   * @param client - Whose platform, and environment unless the secret names one. @defaultValue `Client.default()`
   * @throws {@link NotFoundError} if there is none, {@link InvalidError} for one that the code makes.
   */
  async hydrate(client?: Client): Promise<this> {
    if (!this.#named) {
      throw new InvalidError('only a secret with a name can be looked up', { hint: 'Use Secret.fromName.' });
    }
    const { name, environment } = this.#named;
    this.#found = await (client ?? Client.default()).lookupSecret(name, environment);
    return this;
  }

  /**
   * Id of a named secret, `st-…`.
   *
   * @throws {@link ExecutionError} before it was looked up.
   */
  get objectId(): string {
    if (this.#found) return this.#found.id;
    throw new ExecutionError('the secret was not looked up yet', { hint: 'Call hydrate() first.' });
  }

  /**
   * What a manifest says about it: never a value. Each secret that the code makes gets the next index, in the order in
   * which the build comes to them.
   *
   * @internal
   */
  toJSON(): SecretRef {
    if (this.#named) return { type: 'named', ...this.#named };
    const readers = (globals[INLINE] ??= []);
    const known = readers.indexOf(this.#read);
    return { type: 'inline', index: known >= 0 ? known : readers.push(this.#read) - 1 };
  }

  /** @internal A name may travel; values go nowhere but to the containers that they are for. */
  [HANDLE](): HandleState | null {
    return this.#named ? { kind: 'gantry.Secret', state: this.#named } : null;
  }

  /** @internal */
  static [HANDLE](state: NamedState): Secret {
    return Secret.#ofName(state);
  }

  static #ofName(named: NamedState): Secret {
    return new Secret(named, () => ({}));
  }
}

registerHandle('gantry.Secret', (state: NamedState) => Secret[HANDLE](state));
