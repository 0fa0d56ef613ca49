import type { EnvironmentDirectory, Registry } from '@gantry/messaging';
import {
  type ChangeEnvironmentRequest,
  type EnvironmentContents,
  type EnvironmentRecord,
  type EnvironmentReport,
  type EnvironmentsRecord,
  newId,
  type NewEnvironmentRequest,
  NotFoundError,
  registryKeys,
} from '@gantry/protocol';

import { defaultSuffix, withChange, withEnvironment, withoutEnvironment } from './environment-list.ts';
import type { EnvironmentObjects } from './environment-objects.ts';

export interface EnvironmentDeskOptions {
  registry: Pick<Registry, 'update'>;
  environments: EnvironmentDirectory;
  objects: Pick<EnvironmentObjects, 'count' | 'remove'>;
}

/** Makes environments, changes and deletes them. */
export class EnvironmentDesk {
  readonly #options: EnvironmentDeskOptions;

  constructor(options: EnvironmentDeskOptions) {
    this.#options = options;
  }

  async list(): Promise<EnvironmentRecord[]> {
    await this.#options.environments.refresh();
    return this.#options.environments.all();
  }

  /** @throws NotFoundError */
  async find(name: string): Promise<EnvironmentRecord> {
    return await this.#options.environments.find(name);
  }

  /** @throws NotFoundError */
  async contents(name: string): Promise<EnvironmentContents> {
    return await this.#options.objects.count((await this.find(name)).id);
  }

  /** @throws InvalidError for names and suffixes that cannot be, GantryError `CONFLICT` for those that are taken. */
  async create({ name, webSuffix = defaultSuffix(name) }: NewEnvironmentRequest): Promise<EnvironmentRecord> {
    const added = { id: newId('en'), name, webSuffix, createdAtMs: Date.now() };
    await this.#change((list) => withEnvironment(list, added));
    return added;
  }

  /** @throws as {@link create}, and NotFoundError. */
  async change(name: string, request: ChangeEnvironmentRequest): Promise<EnvironmentRecord> {
    const { id } = await this.#findNow(name);
    const { environments } = await this.#change((list) => withChange(list, id, request));
    return environments.find((one) => one.id === id) ?? goneMeanwhile(name);
  }

  /**
   * Deletes one with all that is in it. Its name is free, and nothing finds it any more, before its first object goes.
   *
   * @throws NotFoundError, or InvalidError for `main`.
   */
  async delete(name: string): Promise<EnvironmentReport> {
    const found = await this.#findNow(name);
    const contents = await this.#options.objects.count(found.id);
    await this.#change((list) => withoutEnvironment(list, found.id, Date.now()));
    await this.#options.objects.remove(found.id, `the environment "${found.name}" was deleted`);
    return { ...found, contents };
  }

  // Another server may have changed it.
  async #findNow(name: string): Promise<EnvironmentRecord> {
    await this.#options.environments.refresh();
    return await this.#options.environments.find(name);
  }

  async #change(edit: (list: EnvironmentsRecord) => EnvironmentsRecord): Promise<EnvironmentsRecord> {
    const { registry, environments } = this.#options;
    for (;;) {
      const { value, revision } = await environments.refresh();
      const changed = edit(value);
      if (changed === value) return value;
      if (!(await registry.update(registryKeys.environments, changed, revision))) continue;
      await environments.refresh();
      return changed;
    }
  }
}

function goneMeanwhile(name: string): never {
  throw new NotFoundError(`the environment "${name}" was deleted meanwhile`, {
    hint: 'List those there are: gantry environment list',
  });
}
