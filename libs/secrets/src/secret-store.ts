import {
  assertName,
  assertSecretValues,
  type Environments,
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

export interface SecretStoreParts {
  registry: SecretRegistry;
  keys: SealingKeys;
  environments: Environments;
}

/** Named secrets, each in one environment. */
export class SecretStore {
  readonly #registry: SecretRegistry;
  readonly #keys: SealingKeys;
  readonly #environments: Environments;

  constructor({ registry, keys, environments }: SecretStoreParts) {
    this.#registry = registry;
    this.#keys = keys;
    this.#environments = environments;
  }

  /**
   * @throws InvalidError for names and values that cannot be, GantryError `CONFLICT` if there is one of this name that
   * is not to be replaced.
   */
  async save({ name, values, replace = false, ...where }: SaveSecret): Promise<SecretSummary> {
    assertName('secret', name);
    assertSecretValues(`secret "${name}"`, values);
    const environment = await this.#environments.idOf(where.environment);
    const key = registryKeys.secret(environment, name);
    const ring = await this.#keys.require();
    const sealed = sealValues(ring, values, namedContext({ environment, name }));
    for (;;) {
      const present = await this.#registry.get<SecretRecord>(key);
      if (present && !replace) throw exists(where.environment, name);
      const nowMs = Date.now();
      const { id, createdAtMs } = present?.value ?? { id: newId('st'), createdAtMs: nowMs };
      const keys = Object.keys(values).sort();
      const record: SecretRecord = { id, name, environment, keys, sealed, createdAtMs, updatedAtMs: nowMs };
      const isSaved = present
        ? await this.#registry.update(key, record, present.revision)
        : await this.#registry.create(key, record);
      if (isSaved) return this.#summaryOf(record);
    }
  }

  /** By name. */
  async list(environment: string): Promise<SecretSummary[]> {
    const id = await this.#environments.idOf(environment);
    const found = await this.#registry.list<SecretRecord>(registryKeys.environmentSecrets(id));
    return found.map(({ value }) => this.#summaryOf(value)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws NotFoundError if there is none of this name. */
  async find(environment: string, name: string): Promise<SecretSummary> {
    return this.#summaryOf(await this.#record(environment, name));
  }

  /** Containers that run keep its values. @throws NotFoundError if there is none of this name. */
  async delete(environment: string, name: string): Promise<SecretSummary> {
    const record = await this.#record(
      environment,
      name,
      (place) => `See those there are: gantry secret list --env ${place}`,
    );
    await this.#registry.delete(registryKeys.secret(record.environment, name));
    return this.#summaryOf(record);
  }

  /** How many there are in an environment, by its id. */
  async count(environmentId: string): Promise<number> {
    return (await this.#registry.list(registryKeys.environmentSecrets(environmentId))).length;
  }

  /** Deletes all of an environment, by its id. */
  async deleteAll(environmentId: string): Promise<void> {
    const found = await this.#registry.list<SecretRecord>(registryKeys.environmentSecrets(environmentId));
    for (const { value } of found)
      await this.#registry.delete(registryKeys.secret(environmentId, value.name));
  }

  /**
   * Its values, for who needs all of them: a container.
   *
   * @throws NotFoundError if there is none of this name, or it lacks one of `requiredKeys`.
   */
  async open(environment: string, name: string, requiredKeys?: readonly string[]): Promise<SecretValues> {
    const record = await this.#record(environment, name);
    this.#assertKeys(record, requiredKeys);
    return openValues(await this.#keys.require(), record.sealed, namedContext(record));
  }

  /** @throws NotFoundError if there is none of this name, or it lacks one of `requiredKeys`. */
  async assert(environment: string, name: string, requiredKeys?: readonly string[]): Promise<void> {
    this.#assertKeys(await this.#record(environment, name), requiredKeys);
  }

  async #record(
    environment: string,
    name: string,
    hint = (place: string) => `Make it: gantry secret create ${name} --env ${place} KEY=VALUE`,
  ): Promise<SecretRecord> {
    const id = await this.#environments.idOf(environment);
    const found = await this.#registry.get<SecretRecord>(registryKeys.secret(id, name));
    if (found) return found.value;
    const place = this.#environments.nameOf(id);
    throw new NotFoundError(`there is no secret "${name}" in environment "${place}"`, {
      hint: hint(place),
    });
  }

  #assertKeys(record: SecretRecord, required: readonly string[] = []): void {
    const { name, environment, keys } = this.#summaryOf(record);
    const missing = required.filter((key) => !keys.includes(key));
    if (missing.length === 0) return;
    const lacks = missing.map((key) => `"${key}"`).join(', ');
    throw new NotFoundError(`the secret "${name}" of environment "${environment}" lacks ${lacks}`, {
      hint: `Its keys: ${keys.join(', ') || 'none'}. Give it all of them: gantry secret create ${name} --force …`,
    });
  }

  #summaryOf({ sealed: _, ...summary }: SecretRecord): SecretSummary {
    return { ...summary, environment: this.#environments.nameOf(summary.environment) };
  }
}

function exists(environment: string, name: string): GantryError {
  return new GantryError('CONFLICT', `there is a secret "${name}" in environment "${environment}"`, {
    hint: 'Replace all of its values with --force, or choose another name.',
  });
}
