import type { Messaging } from '@gantry/messaging';
import { type AppRecord, type Environments, isId, NotFoundError, registryKeys } from '@gantry/protocol';

/** A copy of all app records that follows the registry. */
export class AppDirectory {
  readonly #messaging: Messaging;
  readonly #environments: Environments;
  readonly #apps = new Map<string, AppRecord>();
  readonly #listeners = new Set<(app: AppRecord) => void>();
  #watch: { stop(): void } | undefined;

  private constructor(messaging: Messaging, environments: Environments) {
    this.#messaging = messaging;
    this.#environments = environments;
  }

  static async open(messaging: Messaging, environments: Environments): Promise<AppDirectory> {
    const directory = new AppDirectory(messaging, environments);
    directory.#watch = await messaging.registry.watch<AppRecord>(registryKeys.allApps, ({ key, value }) => {
      if (value) directory.#apply(value);
      else directory.#apps.delete(key.slice(registryKeys.app('').length));
    });
    return directory;
  }

  get(appId: string): AppRecord | undefined {
    return this.#apps.get(appId);
  }

  all(): AppRecord[] {
    return [...this.#apps.values()];
  }

  /** @throws NotFoundError for an unknown environment. */
  async allIn(environment: string): Promise<AppRecord[]> {
    const environmentId = await this.#environments.idOf(environment);
    return this.all().filter((app) => app.environment === environmentId);
  }

  /**
   * Finds an app by id, or a deployed one by name; a name finds an ephemeral or stopped app, the newest, only
   * where no deployed one has it. Asks the registry, so a deploy through another server is seen at once.
   *
   * @throws NotFoundError for an unknown app or environment.
   */
  async find(environmentName: string, nameOrId: string): Promise<AppRecord> {
    const environment = await this.#environments.idOf(environmentName);
    const named = await this.#messaging.registry.get<{ appId: string }>(
      registryKeys.appName(environment, nameOrId),
    );
    const appId = named?.value.appId ?? (isId(nameOrId, 'ap') ? nameOrId : undefined);
    const app = appId && (await this.#messaging.registry.get<AppRecord>(registryKeys.app(appId)));
    if (app && app.value.environment === environment) return app.value;
    const others = this.all().filter((one) => one.name === nameOrId && one.environment === environment);
    const newest = others.sort((a, b) => b.createdAtMs - a.createdAtMs)[0];
    if (newest) return newest;
    throw new NotFoundError(
      `app "${nameOrId}" does not exist in environment "${this.#environments.nameOf(environment)}"`,
      {
        hint: 'Deploy it, or name another environment.',
      },
    );
  }

  /**
   * Finds an app by its id, in whatever environment it is.
   *
   * @throws NotFoundError
   */
  async findById(appId: string): Promise<AppRecord> {
    const app = isId(appId, 'ap') && (await this.#messaging.registry.get<AppRecord>(registryKeys.app(appId)));
    if (app) return app.value;
    throw new NotFoundError(`app "${appId}" does not exist`, {
      hint: 'List those that do: `gantry app list`.',
    });
  }

  /** Calls `listener` after each change, and at first for every app that is known. */
  onChange(listener: (app: AppRecord) => void): { stop(): void } {
    this.#listeners.add(listener);
    for (const app of this.#apps.values()) listener(app);
    return { stop: () => void this.#listeners.delete(listener) };
  }

  close(): void {
    this.#watch?.stop();
    this.#listeners.clear();
  }

  #apply(app: AppRecord): void {
    this.#apps.set(app.id, app);
    for (const listener of this.#listeners) listener(app);
  }
}
