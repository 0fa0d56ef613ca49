import type { Registry } from '@gantry/messaging';
import {
  type AppRecord,
  type CollectionRecord,
  type EnvironmentContents,
  registryKeys,
} from '@gantry/protocol';
import type { SecretStore } from '@gantry/secrets';
import type { VolumeDirectory } from '@gantry/volumes';

import type { AppStopper } from '../app-stopper.ts';

export interface EnvironmentObjectsOptions {
  registry: Pick<Registry, 'list'>;
  stopper: Pick<AppStopper, 'stop'>;
  volumes: Pick<VolumeDirectory, 'allOf' | 'remove'>;
  secrets: Pick<SecretStore, 'count' | 'deleteAll'>;
}

/** All that is in environments, by their ids. */
export class EnvironmentObjects {
  readonly #options: EnvironmentObjectsOptions;

  constructor(options: EnvironmentObjectsOptions) {
    this.#options = options;
  }

  async count(environmentId: string): Promise<EnvironmentContents> {
    const { registry, volumes, secrets } = this.#options;
    const [apps, own, secretCount, collections] = await Promise.all([
      this.#apps(environmentId),
      volumes.allOf(environmentId),
      secrets.count(environmentId),
      registry.list<CollectionRecord>(registryKeys.allCollections),
    ]);
    const named = collections.filter(({ value }) => value.environment === environmentId && value.name);
    const ofKind = (kind: string) => named.filter(({ value }) => value.kind === kind).length;
    return {
      apps: apps.length,
      volumes: own.filter(({ ephemeral }) => !ephemeral).length,
      secrets: secretCount,
      dicts: ofKind('dict'),
      queues: ofKind('queue'),
    };
  }

  /** Stops apps, deletes volumes and secrets. Dicts and queues are left to the server that keeps them. */
  async remove(environmentId: string, reason: string): Promise<void> {
    const { stopper, volumes, secrets } = this.#options;
    for (const { id } of await this.#apps(environmentId)) await stopper.stop(id, reason);
    for (const record of await volumes.allOf(environmentId)) await volumes.remove(record);
    await secrets.deleteAll(environmentId);
  }

  // From the registry: a deploy may just have ended elsewhere.
  async #apps(environmentId: string): Promise<AppRecord[]> {
    const all = await this.#options.registry.list<AppRecord>(registryKeys.allApps);
    return all
      .map(({ value }) => value)
      .filter(({ environment, state }) => environment === environmentId && state !== 'stopped');
  }
}
