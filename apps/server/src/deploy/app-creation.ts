import type { Messaging } from '@gantry/messaging';
import {
  type AppRecord,
  assertName,
  type Environments,
  isId,
  InvalidError,
  newId,
  registryKeys,
} from '@gantry/protocol';

import type { AppDirectory } from '../app-directory.ts';

export interface AppCreationOptions {
  messaging: Messaging;
  apps: AppDirectory;
  environments: Environments;
}

/**
 * Finds the deployed app of a name, or makes one without functions: something to attach to. A later deploy of the
 * name continues it.
 *
 * @throws InvalidError for a name that no app can have, NotFoundError for an unknown environment.
 */
export async function findOrCreateApp(
  { messaging, apps, environments }: AppCreationOptions,
  environmentName: string,
  name: string,
): Promise<AppRecord> {
  assertName('app', name);
  if (isId(name, 'ap'))
    throw new InvalidError(`an app cannot be called "${name}": that is the form of an app id`);
  const { registry } = messaging;
  const environment = await environments.idOf(environmentName);
  const key = registryKeys.appName(environment, name);
  const createdAtMs = Date.now();
  const app: AppRecord = { id: newId('ap'), name, environment, state: 'deployed', version: 0, createdAtMs };
  if (await registry.get(key)) return await apps.find(environment, name);
  // In this order: whoever finds the name finds the app.
  await registry.create(registryKeys.app(app.id), app);
  if (await registry.create(key, { appId: app.id })) return app;
  await registry.delete(registryKeys.app(app.id));
  return await apps.find(environment, name);
}
