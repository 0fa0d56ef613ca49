import type { SecretRef, SecretValues } from '@gantry/protocol';

import type { SecretStore } from './secret-store.ts';

/** Where a list of secrets stands. */
export interface SecretScope {
  /** Where names are looked up that say no environment. */
  environment: string;
  /** Values of an inline secret. */
  inline(index: number): SecretValues | Promise<SecretValues>;
}

/**
 * Turns the secrets that a manifest names into environment variables.
 *
 * @example
 * ```ts
 * const env = await opener.open(step.secrets ?? [], { environment: 'main', inline: (index) => values[index] ?? {} });
 * ```
 */
export class SecretOpener {
  readonly #store: Pick<SecretStore, 'open'>;

  constructor(store: Pick<SecretStore, 'open'>) {
    this.#store = store;
  }

  /**
   * The variables of all of them; of those with one name that of the later secret.
   *
   * @throws NotFoundError for a secret that does not exist, or lacks a key that it must have.
   */
  async open(refs: readonly SecretRef[], scope: SecretScope): Promise<SecretValues> {
    const opened = await Promise.all(refs.map((ref) => this.#openOne(ref, scope)));
    return Object.assign({}, ...opened) as SecretValues;
  }

  async #openOne(ref: SecretRef, { environment, inline }: SecretScope): Promise<SecretValues> {
    if (ref.type === 'inline') return await inline(ref.index);
    return await this.#store.open(ref.environment ?? environment, ref.name, ref.requiredKeys);
  }
}
