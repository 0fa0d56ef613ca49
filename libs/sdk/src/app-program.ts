import { InvalidError } from '@gantry/protocol';

import { startAppHelper, type AppHelper, type AppUp, type HelperOrder } from './app-helper.ts';
import type { CallSite } from './call-site.ts';
import { containerHost } from './host.ts';
import { basename } from './node-modules.ts';
import { yieldScreen } from './progress/screen.ts';
import type { AppRegistration, ClassRegistration, FunctionRegistration } from './registry.ts';

export interface RunOptions {
  /** The app goes on after the scope, until its work is done or it is stopped. @defaultValue false */
  detach?: boolean;
  /** Its functions may have the terminal of this program: see `interact`. @defaultValue false */
  interactive?: boolean;
  /** @defaultValue that of the default client */
  environment?: string;
  /** The module that imports all of the app. @defaultValue the file that says `new App` */
  entry?: string;
}

export interface DeployOptions {
  /** Overrides the name in the code. */
  name?: string;
  /** Note for the history, such as a commit. */
  tag?: string;
  /** @defaultValue that of the default client */
  environment?: string;
  /** The module that imports all of the app. @defaultValue the file that says `new App` */
  entry?: string;
}

/** The app that this program's handles lead to at present. */
export interface RunningApp {
  readonly appId: string;
  readonly environment: string;
  readonly interactive: boolean;
}

type Registration = FunctionRegistration | ClassRegistration;

/** What one `App` object has up for the program that made it. */
export class AppProgram {
  /** Set while it runs. */
  running: RunningApp | undefined;
  /** Id of the app that runs, or ran last, or was deployed last. */
  appId: string | undefined;
  /** What it was last deployed as by this program. */
  deployedName: string | undefined;
  readonly #registration: AppRegistration;
  readonly #home: () => CallSite | undefined;
  /** Where functions without a name were registered: the build step knows their names. */
  readonly #places = new Map<Registration, () => CallSite | undefined>();
  #isBusy = false;

  constructor(registration: AppRegistration, home: () => CallSite | undefined) {
    this.#registration = registration;
    this.#home = home;
  }

  /** Name of the file that says `new App`, as far as the call stack tells. */
  get fileName(): string | undefined {
    const home = this.#home();
    return home && basename(home.file);
  }

  remember(registration: Registration, place: () => CallSite | undefined): void {
    this.#places.set(registration, place);
  }

  /** Starts the app; resolves with what ends it. */
  async start(options: RunOptions): Promise<() => Promise<void>> {
    const { detach, interactive = false, environment, entry } = options;
    const helper = await this.#bringUp('app.run', {
      detach,
      interactive,
      environment,
      entry: entry ?? this.#entry('app.run'),
    });
    this.running = { appId: helper.up.reply.appId, environment: helper.up.environment, interactive };
    this.#isBusy = true;
    const takeScreenBack = interactive ? yieldScreen() : undefined;
    return async () => {
      takeScreenBack?.();
      this.running = undefined;
      this.#isBusy = false;
      await helper.end();
    };
  }

  async deploy(options: DeployOptions): Promise<void> {
    const entry = options.entry ?? this.#entry('app.deploy');
    const helper = await this.#bringUp('app.deploy', { ...options, entry, deploy: true });
    this.deployedName = helper.up.reply.appName;
    await helper.end();
  }

  async #bringUp(what: string, order: HelperOrder): Promise<AppHelper> {
    assertInProgram(what);
    if (this.#isBusy) {
      throw new InvalidError(`the app runs already: ${what}() was called in the scope of another app.run()`, {
        hint: 'End the first run, or make its calls in the same scope.',
      });
    }
    this.#isBusy = true;
    try {
      const helper = await startAppHelper(order);
      try {
        this.#adopt(helper.up, order.entry);
      } catch (error) {
        await helper.end();
        throw error;
      }
      this.appId = helper.up.reply.appId;
      return helper;
    } finally {
      this.#isBusy = false;
    }
  }

  #entry(what: string): string {
    const home = this.#home();
    if (home) return home.file;
    throw new InvalidError(`${what}() cannot tell which file makes the app`, {
      hint: `Name it: ${what}({ entry: import.meta.filename }).`,
    });
  }

  // What this program registered without a build step gets its names from the one that has just been built.
  #adopt({ functions }: AppUp, entry: string): void {
    const built = new Set(functions.map(({ name }) => name));
    for (const registration of this.#registration.functions) {
      const place = this.#places.get(registration)?.();
      if (registration.name === '' && place) {
        const isHere = ({ site }: (typeof functions)[number]) =>
          site.line === place.line && place.file.endsWith(`/${site.file}`);
        registration.name = functions.find(isHere)?.name ?? '';
      }
      if (built.has(registration.name)) continue;
      const label =
        registration.name === '' ? `a function at line ${place?.line ?? '?'}` : `"${registration.name}"`;
      throw new InvalidError(`${label} is registered by this program, but not by "${entry}" alone`, {
        hint: 'Name the module that imports all of the app: app.run({ entry: import.meta.filename }).',
      });
    }
  }
}

/** @throws {@link InvalidError} where starting an app would start it again and again. */
export function assertInProgram(what: string): void {
  const hint = 'Put it under "if (import.meta.main) { ... }", or into a function that your program calls.';
  const host = containerHost();
  if (host?.currentInput()) {
    throw new InvalidError(`${what}() cannot build an app inside a container`, {
      hint: 'Deploy the app, and call its functions by name.',
    });
  }
  if (host) throw new InvalidError(`${what}() was called while a container loads this module`, { hint });
  if (process.env['GANTRY_BUILD'] !== undefined) {
    throw new InvalidError(`${what}() was called while the app is being built`, { hint });
  }
}
