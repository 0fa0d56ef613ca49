import {
  assertSecretValues,
  type InlineSecretsRecord,
  NotFoundError,
  registryKeys,
  type SecretValues,
} from '@gantry/protocol';

import { inlineContext, openValues, sealValues } from './sealed-values.ts';
import type { SealingKeys } from './sealing-keys.ts';
import type { SecretRegistry } from './secret-registry.ts';

/** A version of an app. */
export interface AppVersion {
  appId: string;
  version: number;
}

/** Values that the versions of apps brought, by the index of each secret in the manifest. */
export class InlineSecrets {
  readonly #registry: SecretRegistry;
  readonly #keys: SealingKeys;

  constructor(registry: SecretRegistry, keys: SealingKeys) {
    this.#registry = registry;
    this.#keys = keys;
  }

  /** @throws InvalidError for values that cannot be. */
  async save({ appId, version }: AppVersion, secrets: ReadonlyMap<number, SecretValues>): Promise<void> {
    for (const [index, values] of secrets) assertSecretValues(inlineContext(appId, index), values);
    const ring = await this.#keys.require();
    const sealed = [...secrets].map(([index, values]) => ({
      index,
      sealed: sealValues(ring, values, inlineContext(appId, index)),
    }));
    await this.#put({ appId, version, secrets: sealed });
  }

  /** Gives a version the values of an older one of its app. */
  async copy({ appId, version }: AppVersion, fromVersion: number): Promise<void> {
    const from = await this.#registry.get<InlineSecretsRecord>(
      registryKeys.inlineSecrets(appId, fromVersion),
    );
    if (from) await this.#put({ ...from.value, version });
  }

  /** @throws NotFoundError if the version brought none of this index. */
  async open({ appId, version }: AppVersion, index: number): Promise<SecretValues> {
    const found = await this.#registry.get<InlineSecretsRecord>(registryKeys.inlineSecrets(appId, version));
    const entry = found?.value.secrets.find((secret) => secret.index === index);
    const context = inlineContext(appId, index);
    if (entry) return openValues(await this.#keys.require(), entry.sealed, context);
    throw new NotFoundError(`version ${version} of the app has no values for ${context}`, {
      hint: 'Deploy the app again.',
    });
  }

  async delete({ appId, version }: AppVersion): Promise<void> {
    await this.#registry.delete(registryKeys.inlineSecrets(appId, version));
  }

  /** Of every version of an app. */
  async deleteAll(appId: string): Promise<void> {
    const found = await this.#registry.list<InlineSecretsRecord>(registryKeys.appInlineSecrets(appId));
    await Promise.all(found.map(({ key }) => this.#registry.delete(key)));
  }

  async #put(record: InlineSecretsRecord): Promise<void> {
    await this.#registry.put(registryKeys.inlineSecrets(record.appId, record.version), record);
  }
}
