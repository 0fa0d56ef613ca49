import { assertName, assertRunName, HANDLE, InvalidError } from '@gantry/protocol';

import {
  checkAppOptions,
  withDefaults,
  type AppOptions,
  type EntrypointOptions,
  type LookupOptions,
} from './app-options.ts';
import { AppProgram, type DeployOptions, type RunningApp, type RunOptions } from './app-program.ts';
import { AppRun } from './app-run.ts';
import { asSingle } from './batched.ts';
import { callSiteOf } from './call-site.ts';
import { candidateApps } from './candidate-apps.ts';
import { Client } from './client.ts';
import { Cls, type HandleSource } from './cls.ts';
import { assertOnClass } from './decorator-use.ts';
import { FunctionTarget } from './function-target.ts';
import { containerHost } from './host.ts';
import { keepImageUser } from './image/image-lookup.ts';
import { imageUserOf } from './image/image-user.ts';
import { Image } from './image/image.ts';
import { makeInstance, type Instance, type InstanceParameters } from './instance.ts';
import { LocalInstance } from './local-instance.ts';
import { registrationsOf, rememberRegistration } from './modifiers.ts';
import { checkKeys } from './option-checks.ts';
import type { ClsOptions, FunctionOptions } from './options.ts';
import { describeClass, describeFunction, splitFunctionArguments } from './registration.ts';
import {
  REGISTRATION,
  registeredApps,
  type AnyClass,
  type AnyFunction,
  type AppRegistration,
  type BuildSite,
  type ClassRegistration,
  type FunctionRegistration,
} from './registry.ts';
import { RemoteFunction } from './remote-function.ts';

const handles = new WeakMap<object, RemoteFunction>();

/**
 * What you deploy: a named set of functions and classes.
 *
 * @example
 * ```ts
 * const app = new App('shop');
 * export const square = app.function({ retries: 3 }, async (x: number) => x * x);
 * const big = new App('big', { memoryMiB: 4_096, env: { STAGE: 'test' } }); // defaults of its functions
 * ```
 */
export class App {
  /** Undefined for an app that is only ever run, not deployed. */
  readonly name: string | undefined;
  readonly #registration: AppRegistration;
  readonly #defaults: AppOptions;
  readonly #includedBy = new Set<App>();
  readonly #program: AppProgram;

  /**
   * @param name - Needed to deploy, here or as an option of the deploy, and then 1 to 64 letters, digits, dashes,
   * dots and underscores. An app that is only run may have any name, or none.
   * @throws {@link InvalidError} if the name holds control characters or looks like an app id, or on options out
   * of range.
   */
  constructor(name?: string, options: AppOptions = {}) {
    if (name !== undefined) assertRunName(name);
    checkAppOptions(name, options);
    this.name = name;
    this.#defaults = options;
    this.#registration = { name, functions: [], entrypoints: [] };
    registeredApps().push(this.#registration);
    this.#program = new AppProgram(this.#registration, callSiteOf(App as unknown as () => App));
  }

  /** Id of the app that this program runs, ran last, or deployed last; undefined before. */
  get appId(): string | undefined {
    return this.#program.appId;
  }

  /** Whether this is, or is part of, a run in which containers may ask for the terminal: see {@link interact}. */
  get isInteractive(): boolean {
    const host = containerHost();
    if (host) return host.interactive;
    return this.#running?.interactive ?? process.env['GANTRY_INTERACTIVE'] === '1';
  }

  /** What lists say about the app: what {@link setDescription} said, else its name, else the file that makes it. */
  get description(): string | undefined {
    return this.#registration.description ?? this.name ?? this.#program.fileName;
  }

  /** What functions and classes get that name no image of their own. */
  get image(): Image {
    return this.#defaults.image ?? Image.debianSlim();
  }

  /**
   * Says what lists show about the app, from its next deploy or run on.
   *
   * @throws {@link InvalidError} for anything but 1 to 200 printable characters.
   */
  setDescription(description: string): void {
    if (typeof description !== 'string' || !/^\P{C}{1,200}$/u.test(description)) {
      throw new InvalidError(`the description of the app "${this.#label}" is not valid`, {
        hint: 'Use 1 to 200 printable characters.',
      });
    }
    this.#registration.description = description;
  }

  /**
   * Finds a deployed or running app now, unlike the `fromName` of other handles, which wait for their first use.
   *
   * @throws {@link NotFoundError} if there is none of this name or id; {@link InvalidError} for a name that no app
   * can have, if it is to be made.
   *
   * @example
   * ```ts
   * const app = await App.lookup('tools', { createIfMissing: true });
   * console.log(app.appId);
   * ```
   */
  static async lookup(name: string, options: LookupOptions = {}): Promise<App> {
    checkKeys('App.lookup', options, ['createIfMissing', 'environment', 'client']);
    const client = options.client ?? Client.default();
    const { environment } = options;
    const found = options.createIfMissing
      ? await client.createApp(name, environment)
      : await client.lookupApp(name, environment);
    const app = new App(found.name);
    app.#program.appId = found.id;
    // It is not an app that this program makes, so a build must not find it among those.
    registeredApps().splice(registeredApps().indexOf(app.#registration), 1);
    return app;
  }

  /** A handle on each function, by name; included apps' functions, too. */
  get registeredFunctions(): Record<string, RemoteFunction> {
    return byName(this.#registration.functions, (registration) => handles.get(registration));
  }

  /** A handle on each class, by name; included apps' classes, too. */
  get registeredClasses(): Record<string, Cls<object>> {
    return byName(this.#registration.functions, (registration) =>
      registration.kind === 'class' ? Cls.on<object>(this.#sourceOf(registration)) : undefined,
    );
  }

  /** The functions that `gantry run` runs on this machine, by name. */
  get registeredEntrypoints(): Record<string, AnyFunction> {
    return byName(this.#registration.entrypoints, ({ fn }) => fn);
  }

  /** What answers HTTP: the names of functions, and of methods as `Class.method`. */
  get registeredWebEndpoints(): string[] {
    return this.#registration.functions.flatMap((registration) => {
      if (registration.kind === 'function') return registration.web ? [registration.name] : [];
      const endpoints = registration.methods.filter(({ web }) => web);
      return endpoints.map(({ name }) => `${registration.name}.${name}`);
    });
  }

  /**
   * Registers a class: each instance, told apart by its parameters, has containers of its own, which serve
   * all its methods.
   *
   * @throws {@link InvalidError} on options out of range, or a name that is taken.
   */
  cls(options: ClsOptions = {}, site?: BuildSite): <TClass extends AnyClass>(target: TClass) => void {
    if (typeof options === 'function') {
      throw new InvalidError('@app.cls lacks its parentheses', { hint: 'Write @app.cls().' });
    }
    return (...use: unknown[]) => {
      assertOnClass('app.cls()', use);
      const registration = describeClass(
        { target: use[0] as AnyClass, construct: this.#defaults.construct },
        withDefaults(this.#defaults, options),
        site,
      );
      rememberRegistration(registration);
      this.#register(registration);
    };
  }

  /**
   * Registers a function and returns the handle that calls it.
   *
   * @throws {@link InvalidError} on options out of range, a name that is taken, or a class in place of a
   * function.
   *
   * @example
   * ```ts
   * export const square = app.function({ cpu: 1 }, async (x: number) => x * x);
   * await square.remote(3); // 9
   * ```
   */
  function<A extends unknown[], R>(fn: (...args: A) => R, site?: BuildSite): RemoteFunction<A, R>;
  function<A extends unknown[], R>(
    options: FunctionOptions,
    fn: (...args: A) => R,
    site?: BuildSite,
  ): RemoteFunction<A, R>;
  function(...args: unknown[]): RemoteFunction<never[], unknown> {
    const { options, fn, site } = splitFunctionArguments<FunctionOptions>('app.function', args);
    const registration = describeFunction(fn, withDefaults(this.#defaults, options), site);
    this.#register(registration);
    if (registration.name === '') this.#program.remember(registration, callSiteOf(this.function));
    const target = new FunctionTarget(this.#sourceOf(registration));
    const { batched } = registration;
    const local = batched ? asSingle(registration.name, registration.fn) : registration.fn;
    const handle = new RemoteFunction({
      get label() {
        return registration.name;
      },
      target,
      method: '',
      local,
      body: registration.fn,
      raw: registration.fn,
    });
    handles.set(registration, handle as RemoteFunction);
    return handle;
  }

  /**
   * Registers a function that `gantry run` runs on this machine, with the app up around it. Its parameters
   * become flags. Returns the function unchanged.
   */
  localEntrypoint<TFunction extends AnyFunction>(fn: TFunction, site?: BuildSite): TFunction;
  localEntrypoint<TFunction extends AnyFunction>(
    options: EntrypointOptions,
    fn: TFunction,
    site?: BuildSite,
  ): TFunction;
  localEntrypoint(...args: unknown[]): AnyFunction {
    const { options, fn, site } = splitFunctionArguments<EntrypointOptions>('app.localEntrypoint', args);
    checkKeys('app.localEntrypoint', options, ['name']);
    const name = options.name ?? site?.name ?? fn.name;
    this.#registration.entrypoints.push({ name, fn, site });
    return fn;
  }

  /**
   * Adds what another app registers, now and later, to this one, so that both are deployed together.
   *
   * @throws {@link InvalidError} if both register different functions under one name.
   */
  include(other: App): this {
    if (other === this) throw new InvalidError(`the app "${this.#label}" cannot include itself`);
    other.#includedBy.add(this);
    for (const registration of other.#registration.functions) this.#register(registration);
    return this;
  }

  /**
   * A handle on the containers of a class with these parameters.
   *
   * @throws {@link InvalidError} if the class is not registered here, or has no such parameter.
   *
   * @example
   * ```ts
   * const ocr = app.instance(Ocr, { lang: 'deu' });
   * const text = await ocr.read.remote(page);
   * ```
   */
  instance<T extends object>(
    target: new (...args: never[]) => T,
    parameters: InstanceParameters<T> = {},
  ): Instance<T> {
    const registration = registrationsOf(target).find((known) =>
      this.#registration.functions.includes(known),
    );
    if (!registration) {
      throw new InvalidError(`the class "${target.name}" is not part of the app "${this.#label}"`, {
        hint: 'Put @app.cls() of this app above the class.',
      });
    }
    const local = new LocalInstance(registration, parameters);
    return makeInstance<T>({
      className: registration.name,
      target: new FunctionTarget({ ...this.#sourceOf(registration), parameters }),
      methods: registration.methods,
      local,
    });
  }

  /**
   * Brings the app up for as long as the scope lasts: its functions and classes can be called in it, and end with
   * it. Not while the module loads: containers load it, too.
   *
   * @throws {@link InvalidError} while the app is being built and in containers, {@link BuildError} for mistakes
   * in the sources.
   *
   * @example
   * ```ts
   * if (import.meta.main) {
   *   await using run = await app.run();
   *   console.log(await square.remote(3));
   * }
   * await app.run(async () => console.log(await square.remote(3)));
   * ```
   */
  run(options?: RunOptions): Promise<AppRun>;
  run<T>(body: (app: this) => T | Promise<T>): Promise<T>;
  run<T>(options: RunOptions, body: (app: this) => T | Promise<T>): Promise<T>;
  async run(...args: unknown[]): Promise<unknown> {
    const [options, body] = typeof args[0] === 'function' ? [{}, args[0]] : [args[0] ?? {}, args[1]];
    checkKeys('app.run', options as object, ['detach', 'interactive', 'environment', 'entry']);
    const end = await this.#program.start(options as RunOptions);
    const run = new AppRun(this.#program.appId ?? '', end);
    if (typeof body !== 'function') return run;
    try {
      return await (body as (app: this) => unknown)(this);
    } finally {
      await run.stop();
    }
  }

  /**
   * Deploys the app, as `gantry deploy` does; returns when it is live.
   *
   * @throws {@link InvalidError} while the app is being built and in containers, {@link BuildError} for mistakes
   * in the sources.
   */
  async deploy(options: DeployOptions = {}): Promise<this> {
    checkKeys('app.deploy', options, ['name', 'tag', 'environment', 'entry']);
    await this.#program.deploy(options);
    return this;
  }

  /** @internal */
  get [REGISTRATION](): AppRegistration {
    return this.#registration;
  }

  /** @internal What it registers is code, which is where it arrives already, or not. */
  [HANDLE](): null {
    return null;
  }

  get #running(): RunningApp | undefined {
    const own = this.#program.running;
    if (own !== undefined || this.#includedBy.size === 0) return own;
    for (const app of this.#includedBy) if (app.#running) return app.#running;
    return undefined;
  }

  get #label(): string {
    return this.name ?? 'without a name';
  }

  #sourceOf(registration: FunctionRegistration | ClassRegistration): HandleSource {
    return {
      // A getter: without a build step it is named later, by `app.run`.
      get name() {
        return registration.name;
      },
      apps: (ownApp) => this.#candidates(ownApp, registration.name),
      running: () => this.#running,
    };
  }

  // A class or function may be deployed under its own app or under one that includes it.
  #candidates(ownApp: string | undefined, name: string): string[] {
    const including = [...this.#includedBy].map((app) => app.name);
    return candidateApps(name, [ownApp, this.#program.deployedName, this.name, ...including]);
  }

  #register(registration: FunctionRegistration | ClassRegistration): void {
    const { functions } = this.#registration;
    if (functions.includes(registration)) return;
    if (registration.name !== '') {
      assertName(registration.kind, registration.name);
      if (functions.some((other) => other.name === registration.name)) {
        throw new InvalidError(`the app "${this.#label}" registers "${registration.name}" twice`, {
          hint: 'Rename one, or set the option "name".',
        });
      }
    }
    functions.push(registration);
    const { image } = registration.options;
    if (image) keepImageUser(image, imageUserOf(this.#sourceOf(registration)));
    for (const app of this.#includedBy) app.#register(registration);
  }
}

function byName<TItem extends { name: string }, TValue>(
  items: readonly TItem[],
  valueOf: (item: TItem) => TValue | undefined,
): Record<string, TValue> {
  const found: Record<string, TValue> = {};
  for (const item of items) {
    const value = valueOf(item);
    if (value !== undefined) found[item.name] = value;
  }
  return found;
}
