import {
  DEFAULTS,
  type DeletedEnvironment,
  type EnvironmentRecord,
  type Environments,
  type EnvironmentsRecord,
  NotFoundError,
  registryKeys,
} from '@gantry/protocol';

import { adoptedEnvironments } from './adopted-environments.ts';
import type { Messaging } from './messaging.ts';

const MOST_NAMED = 12;

/** A copy of the environments that follows the registry: a look-up is a request only for what is not known here (yet). */
export class EnvironmentDirectory implements Environments {
  readonly #registry: Messaging['registry'];
  #known: EnvironmentsRecord = { environments: [], deleted: [] };
  #revision = 0;
  #opening: Promise<{ stop(): void }> | undefined;

  constructor({ registry }: Pick<Messaging, 'registry'>) {
    this.#registry = registry;
  }

  /** Resolves when all are known. The first one that opens a directory of a platform writes which there are. */
  async open(): Promise<void> {
    if (!this.#opening) {
      this.#opening = this.#follow();
      this.#opening.catch(() => {
        this.#opening = undefined;
      });
    }
    await this.#opening;
  }

  async idOf(nameOrId: string): Promise<string> {
    return (await this.find(nameOrId)).id;
  }

  nameOf(id: string): string {
    const kept = this.#lookUp(id) ?? this.#known.deleted.find((one) => one.id === id);
    return kept?.name ?? id;
  }

  /** @throws NotFoundError that says which there are. */
  async find(nameOrId: string): Promise<EnvironmentRecord> {
    await this.open();
    const known = this.#lookUp(nameOrId);
    if (known) return known;
    await this.refresh();
    const found = this.#lookUp(nameOrId);
    if (found) return found;
    const gone = this.#known.deleted.find(({ id }) => id === nameOrId);
    if (!gone) throw unknownEnvironment(nameOrId, this.all());
    throw new NotFoundError(`the environment "${gone.name}" was deleted`, {
      hint: 'All that was in it is gone: use another one.',
    });
  }

  /** `main` first, then by name. */
  all(): EnvironmentRecord[] {
    const rank = ({ id }: EnvironmentRecord): number => (id === DEFAULTS.environment ? 0 : 1);
    return [...this.#known.environments].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  }

  /** Those whose objects may not be gone yet. */
  deleted(): readonly DeletedEnvironment[] {
    return this.#known.deleted;
  }

  /** Reads what is kept now; the revision is for a compare-and-set. */
  async refresh(): Promise<{ value: EnvironmentsRecord; revision: number }> {
    await this.open();
    const entry = await this.#registry.get<EnvironmentsRecord>(registryKeys.environments);
    if (!entry) throw new NotFoundError('the platform keeps no environments', { hint: 'Start a server.' });
    this.#apply(entry.value, entry.revision);
    return entry;
  }

  async close(): Promise<void> {
    const watch = await this.#opening?.catch(() => undefined);
    watch?.stop();
  }

  async #follow(): Promise<{ stop(): void }> {
    const key = registryKeys.environments;
    if (!(await this.#registry.get(key)))
      await this.#registry.create(key, await adoptedEnvironments(this.#registry));
    return await this.#registry.watch<EnvironmentsRecord>(key, ({ value, revision }) => {
      if (value) this.#apply(value, revision);
    });
  }

  // What was read may be newer than what the watch tells next.
  #apply(value: EnvironmentsRecord, revision: number): void {
    if (revision < this.#revision) return;
    this.#known = value;
    this.#revision = revision;
  }

  // No environment has a name that is the id of another.
  #lookUp(nameOrId: string): EnvironmentRecord | undefined {
    return this.#known.environments.find(({ id, name }) => name === nameOrId || id === nameOrId);
  }
}

function unknownEnvironment(name: string, all: readonly EnvironmentRecord[]): NotFoundError {
  const names = all.map((one) => one.name);
  const shown = names.slice(0, MOST_NAMED).join(', ');
  const more = names.length > MOST_NAMED ? `, and ${names.length - MOST_NAMED} more` : '';
  const near = names.filter((one) => one.toLowerCase().startsWith(name.toLowerCase()));
  const [meant] = near.sort((a, b) => a.length - b.length);
  const guess = meant === undefined ? '' : `Did you mean "${meant}"? `;
  return new NotFoundError(`there is no environment "${name}"`, {
    hint: `${guess}Those there are: ${shown}${more}. Make it: gantry environment create ${name}`,
  });
}
