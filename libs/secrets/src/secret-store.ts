import {
  assertName,
  assertSecretValues,
  GantryError,
  newId,
  NotFoundError,
  registryKeys,
  type SecretRecord,
  type SecretSummary,
  type SecretValues,
} from '@gantry/protocol';

import { namedContext, openValues, sealValues } from './sealed-values.ts';
import type { SealingKeys } from './sealing-keys.ts';
import type { SecretRegistry } from './secret-registry.ts';

export interface SaveSecret {
  environment: string;
  name: string;
  values: SecretValues;
  /** Give the one of this name new values, if there is one. @defaultValue false */
  replace?: boolean | undefined;
}

/** Named secrets, each in one environment. */
export class SecretStore {
  readonly #registry: SecretRegistry;
  readonly #keys: SealingKeys;

  constructor(registry: SecretRegistry, keys: SealingKeys) {
    this.#registry = registry;
    this.#keys = keys;
  }

  /**
   * @throws InvalidError for names and values that cannot be, GantryError `CONFLICT` if there is one of this name that
   * is not to be replaced.
   */
  async save({ environment, name, values, replace = false }: SaveSecret): Promise<SecretSummary> {
    assertName('environment', environment);
    assertName('secret', name);
    assertSecretValues(`secret "${name}"`, values);
    const key = registryKeys.secret(environment, name);
    const ring = await this.#keys.require();
    const sealed = sealValues(ring, values, namedContext({ environment, name }));
    for (;;) {
      const present = await this.#registry.get<SecretRecord>(key);
      if (present && !replace) throw exists(environment, name);
      const nowMs = Date.now();
      const { id, createdAtMs } = present?.value ?? { id: newId('st'), createdAtMs: nowMs };
      const keys = Object.keys(values).sort();
      const record: SecretRecord = { id, name, environment, keys, sealed, createdAtMs, updatedAtMs: nowMs };
      const isSaved = present
        ? await this.#registry.update(key, record, present.revision)
        : await this.#registry.create(key, record);
      if (isSaved) return summaryOf(record);
    }
  }

  /** By name. */
  async list(environment: string): Promise<SecretSummary[]> {
    const found = await this.#registry.list<SecretRecord>(registryKeys.environmentSecrets(environment));
    return found.map(({ value }) => summaryOf(value)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws NotFoundError if there is none of this name. */
  async find(environment: string, name: string): Promise<SecretSummary> {
    return summaryOf(await this.#record(environment, name));
  }

  /** Containers that run keep its values. @throws NotFoundError if there is none of this name. */
  async delete(environment: string, name: string): Promise<SecretSummary> {
    const record = await this.#record(environment, name);
    await this.#registry.delete(registryKeys.secret(environment, name));
    return summaryOf(record);
  }

  /**
   * Its values, for who needs all of them: a container.
   *
   * @throws NotFoundError if there is none of this name, or it lacks one of `requiredKeys`.
   */
  async open(environment: string, name: string, requiredKeys?: readonly string[]): Promise<SecretValues> {
    const record = await this.#record(environment, name);
    assertKeys(record, requiredKeys);
    return openValues(await this.#keys.require(), record.sealed, namedContext(record));
  }

  /** @throws NotFoundError if there is none of this name, or it lacks one of `requiredKeys`. */
  async assert(environment: string, name: string, requiredKeys?: readonly string[]): Promise<void> {
    assertKeys(await this.#record(environment, name), requiredKeys);
  }

  async #record(environment: string, name: string): Promise<SecretRecord> {
    const found = await this.#registry.get<SecretRecord>(registryKeys.secret(environment, name));
    if (found) return found.value;
    throw new NotFoundError(`there is no secret "${name}" in environment "${environment}"`, {
      hint: `Make it: gantry secret create ${name} --env ${environment} KEY=VALUE`,
    });
  }
}

function assertKeys({ name, environment, keys }: SecretRecord, required: readonly string[] = []): void {
  const missing = required.filter((key) => !keys.includes(key));
  if (missing.length === 0) return;
  const lacks = missing.map((key) => `"${key}"`).join(', ');
  throw new NotFoundError(`the secret "${name}" of environment "${environment}" lacks ${lacks}`, {
    hint: `Its keys: ${keys.join(', ') || 'none'}. Give it all of them: gantry secret create ${name} --force …`,
  });
}

function summaryOf({ sealed: _, ...summary }: SecretRecord): SecretSummary {
  return summary;
}

function exists(environment: string, name: string): GantryError {
  return new GantryError('CONFLICT', `there is a secret "${name}" in environment "${environment}"`, {
    hint: 'Replace all of its values with --force, or choose another name.',
  });
}
