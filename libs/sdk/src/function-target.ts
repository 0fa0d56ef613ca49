import {
  assertName,
  completeParameters,
  ExecutionError,
  InvalidError,
  isGantryError,
  isId,
  NotFoundError,
  type ClassParameters,
  type FunctionLookup,
  type PoolOptions,
} from '@gantry/protocol';

import type { RunningApp } from './app-program.ts';
import { defaultPlatform } from './default-platform.ts';
import { containerHost } from './host.ts';
import type { Platform } from './platform.ts';
import { withFoundVolumes } from './volumes/found-volumes.ts';

/** Everything a call needs to know about where it goes. */
export interface Route {
  readonly platform: Platform;
  readonly lookup: FunctionLookup;
  /** Complete; undefined for functions and for classes without parameters. */
  readonly parameters: ClassParameters | undefined;
  /** Options that the caller replaces, if any. */
  readonly options?: PoolOptions | undefined;
  readonly target: FunctionTarget;
}

export interface FunctionTargetOptions {
  /** Name of the function or class inside its app. */
  name: string;
  /** Names or ids of apps to look in, best first. `ownApp` is the app this program runs as, if any. */
  apps: (ownApp: string | undefined) => string[];
  environment?: string | undefined;
  platform?: Platform | undefined;
  parameters?: Readonly<Record<string, unknown>> | undefined;
  /** What the name has to mean. @defaultValue whatever it means */
  kind?: FunctionLookup['kind'] | undefined;
  /** Names the class with all its instances: parameters are neither given nor completed. */
  wholeClass?: boolean | undefined;
  /** The app that this program has up and whose functions the name means, if there is one now. */
  running?: (() => RunningApp | undefined) | undefined;
}

/** What a target travels as. */
export interface TargetReference extends Pick<FunctionTargetOptions, 'name' | 'environment' | 'parameters'> {
  options?: PoolOptions | undefined;
  /** Names or ids of apps to look in, best first. */
  apps: string[];
}

/** Names a function or class, and finds out once what the name means on the platform at hand. */
export class FunctionTarget {
  /** Options that the caller replaces. */
  readonly replaced: PoolOptions;
  readonly #options: FunctionTargetOptions;
  #route: Route | undefined;
  #resolving: Promise<Route> | undefined;
  /** What was running when the name was last looked up. */
  #running: RunningApp | undefined;

  constructor(options: FunctionTargetOptions, replaced: PoolOptions = {}) {
    this.#options = options;
    this.replaced = replaced;
  }

  /** The same function or class with these options replaced, and no others. */
  replacing(options: PoolOptions): FunctionTarget {
    return new FunctionTarget(this.#options, options);
  }

  /** The route, if it is known and its platform is still open. */
  get route(): Route | undefined {
    if (this.#running !== this.#options.running?.()) return undefined;
    return this.#route?.platform.closed === false ? this.#route : undefined;
  }

  /** Leads to the same function from another program or container. */
  get reference(): TargetReference {
    const { name, parameters, platform = defaultPlatform() } = this.#options;
    const running = this.#options.running?.();
    const apps = running ? [running.appId] : this.#options.apps(ownAppId());
    const environment = this.#options.environment ?? running?.environment ?? platform.environment;
    return { name, apps, environment, parameters, options: this.replaced };
  }

  /** A target where a reference arrived. */
  static to({ apps, options, ...names }: TargetReference): FunctionTarget {
    return new FunctionTarget({ ...names, apps: () => apps }, options);
  }

  /** @throws {@link ExecutionError} before the name was looked up. */
  get objectId(): string {
    if (this.#route && this.#running === this.#options.running?.()) return this.#route.lookup.functionId;
    throw new ExecutionError(`"${this.#options.name}" was not looked up yet, so its id is not known`, {
      hint: 'Call it, or await .hydrate(), first.',
    });
  }

  /**
   * Looks the name up, unless that has been done.
   *
   * @throws {@link NotFoundError} if no app holds the name; {@link InvalidError} on wrong class parameters.
   */
  resolve(): Promise<Route> {
    const known = this.route;
    if (known) return Promise.resolve(known);
    const running = this.#options.running?.();
    if (this.#resolving && this.#running === running) return this.#resolving;
    this.#running = running;
    this.#route = undefined;
    const resolving = this.#resolve(running).finally(() => {
      if (this.#resolving === resolving) this.#resolving = undefined;
    });
    this.#resolving = resolving;
    return resolving;
  }

  /** Looks the name up again, because what it meant is gone. */
  async refresh(stale: Route): Promise<Route> {
    if (this.#route === stale) {
      this.#route = undefined;
      stale.platform.forgetLookup(stale.lookup);
    }
    return this.resolve();
  }

  async #resolve(running: RunningApp | undefined): Promise<Route> {
    const platform = this.#options.platform ?? defaultPlatform();
    const lookup = await this.#lookup(platform, running);
    assertKind(lookup, this.#options.kind);
    const parameters = this.#options.wholeClass ? undefined : this.#complete(lookup);
    const hasOptions = Object.keys(this.replaced).length > 0;
    const environment = this.#options.environment ?? running?.environment ?? platform.environment;
    const options = hasOptions ? await withFoundVolumes(this.replaced, platform, environment) : undefined;
    const route: Route = {
      platform,
      lookup,
      parameters,
      options,
      target: this,
    };
    if (this.#running === running) this.#route = route;
    return route;
  }

  async #lookup(platform: Platform, running: RunningApp | undefined): Promise<FunctionLookup> {
    const { name, environment = running?.environment } = this.#options;
    const apps = running ? [running.appId] : this.#options.apps(ownAppId());
    for (const app of apps) {
      try {
        return await platform.lookup(app, name, environment);
      } catch (error) {
        if (!isGantryError(error, 'NOT_FOUND')) throw error;
        if (app === apps.at(-1)) throw withHint(error, apps, name);
      }
    }
    throw new NotFoundError(`no app was named for "${name}"`);
  }

  #complete(lookup: FunctionLookup): ClassParameters | undefined {
    const given = this.#options.parameters ?? {};
    const complete = completeParameters(lookup.name, lookup.parameters, given);
    return Object.keys(complete).length === 0 ? undefined : complete;
  }
}

/**
 * Checks what names a function or class of a deployed app.
 *
 * @throws {@link InvalidError} if one can be none.
 */
export function assertHandleNames(
  kind: FunctionLookup['kind'],
  { app, name, environment }: { app: unknown; name: unknown; environment: unknown },
): void {
  if (typeof app !== 'string' || !isId(app, 'ap')) assertName('app', app);
  assertName(kind, name);
  if (environment !== undefined) assertName('environment', environment);
}

function assertKind({ kind, name }: FunctionLookup, wanted: FunctionLookup['kind'] | undefined): void {
  if (wanted === undefined || kind === wanted) return;
  const hint =
    kind === 'class'
      ? `Call a method of it: Cls.fromName(..., '${name}').instance().<method>.remote(...).`
      : `Call it: RemoteFunction.fromName(..., '${name}').remote(...).`;
  throw new InvalidError(`"${name}" is a ${kind}, not a ${wanted}`, { hint });
}

function ownAppId(): string | undefined {
  return containerHost()?.appId ?? process.env['GANTRY_APP_ID'];
}

function withHint(error: NotFoundError, apps: readonly string[], name: string): NotFoundError {
  if (name.includes('.')) {
    const [className = '', method = ''] = name.split('.', 2);
    return new NotFoundError(error.message, {
      hint: `A method is called through its class: Cls.fromName(..., '${className}').instance().${method}.`,
      details: error.details,
    });
  }
  if (error.hint !== undefined) return error;
  return new NotFoundError(error.message, {
    hint: `Deploy the app "${apps.at(-1) ?? ''}", or check that it holds "${name}".`,
    details: error.details,
  });
}
