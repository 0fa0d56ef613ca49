import { isDeepStrictEqual } from 'node:util';

import type { Registry } from '@gantry/messaging';
import { type AppRecord, GantryError, registryKeys, type RouteRecord } from '@gantry/protocol';

import { functionId } from './function-ids.ts';
import type { HostEntry } from './host-names.ts';
import type { RevocableChanges } from './revocable-changes.ts';

/**
 * Takes host names for an app. Between deployed apps the first one keeps a name; among ephemeral apps the
 * newest takes it.
 */
export class RouteClaim {
  readonly #registry: Registry;
  readonly #app: AppRecord;
  readonly #ephemeral: boolean;

  constructor(registry: Registry, app: AppRecord, ephemeral: boolean) {
    this.#registry = registry;
    this.#app = app;
    this.#ephemeral = ephemeral;
  }

  /** @throws GantryError `CONFLICT` for a host that another deployed app answers for. */
  async check(hosts: readonly HostEntry[]): Promise<void> {
    for (const { host } of hosts) await this.#holder(host);
  }

  /** Writes the routes, as far as they are not there yet. */
  async claim(hosts: readonly HostEntry[], changes: RevocableChanges): Promise<void> {
    for (const entry of hosts) await this.#claimOne(entry, changes);
  }

  async #claimOne({ host, functionName, method }: HostEntry, changes: RevocableChanges): Promise<void> {
    const key = registryKeys.route(host);
    const present = await this.#holder(host);
    const route: RouteRecord = {
      host,
      functionId: functionId(this.#app.id, functionName),
      appId: this.#app.id,
      method,
      ephemeral: this.#ephemeral,
      createdAtMs: present?.value.createdAtMs ?? Date.now(),
    };
    if (present && isDeepStrictEqual(present.value, route)) return;
    if (!(await changes.set(key, route, present))) throw taken(host);
  }

  async #holder(host: string): Promise<{ value: RouteRecord; revision: number } | undefined> {
    const present = await this.#registry.get<RouteRecord>(registryKeys.route(host));
    if (!present || present.value.appId === this.#app.id) return present;
    // A label that ends in "-dev" can meet the name that a run has.
    if (this.#ephemeral && present.value.ephemeral) return present;
    const other = await this.#registry.get<AppRecord>(registryKeys.app(present.value.appId));
    if (other && other.value.state !== 'stopped') throw taken(host, other.value.name);
    return present;
  }
}

function taken(host: string, by?: string): GantryError {
  return new GantryError('CONFLICT', `the host "${host}" belongs to ${by ? `app "${by}"` : 'another app'}`, {
    hint: 'Give the endpoint a label, or rename app or function.',
  });
}
