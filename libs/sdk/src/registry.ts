import type { SourceSite, WebSpec } from '@gantry/protocol';

import type { BatchedOptions, ClusteredOptions, ClsOptions, FunctionOptions } from './options.ts';

// Decorators and `app.function` only record here. The build step reads the records to write the manifest; the
// runner reads them to find the code that a container serves. On globalThis, because the runner and the bundle
// carry separate copies of this module.

export type AnyFunction = (...args: never[]) => unknown;
export type AnyClass = new (...args: never[]) => object;

/** Makes an instance of a class that the app registered. */
export type Construct = (type: new (...args: unknown[]) => object) => object | Promise<object>;

/**
 * Where a registration stands in the user's sources, and the name it is bound to. The build step passes it as
 * an extra last argument to `app.function`, `app.cls` and `app.localEntrypoint`; users never write it.
 */
export interface BuildSite extends SourceSite {
  name?: string | undefined;
}

export interface FunctionRegistration {
  kind: 'function';
  name: string;
  options: FunctionOptions;
  fn: AnyFunction;
  /** Set when the function answers HTTP. */
  web?: WebSpec | undefined;
  concurrent?: { maxInputs: number; targetInputs?: number | undefined } | undefined;
  /** Set when the function, or the one method of the class, takes lists. */
  batched?: BatchedOptions | undefined;
  /** Set when each call runs in several containers. */
  clustered?: ClusteredOptions | undefined;
  site?: BuildSite | undefined;
}

export interface ClassRegistration {
  kind: 'class';
  name: string;
  options: ClsOptions;
  target: AnyClass;
  /** Set where the app makes instances in its own way. */
  construct?: Construct | undefined;
  /** Members over the whole prototype chain, ancestors first, an override in place of what it overrides. */
  methods: { name: string; callable: boolean; web?: WebSpec | undefined }[];
  enter: { name: string; snap: boolean }[];
  exit: { name: string }[];
  parameters: { name: string; hasDefault: boolean }[];
  concurrent?: { maxInputs: number; targetInputs?: number | undefined } | undefined;
  /** Set when the function, or the one method of the class, takes lists. */
  batched?: BatchedOptions | undefined;
  /** Set when each call runs in several containers. */
  clustered?: ClusteredOptions | undefined;
  site?: BuildSite | undefined;
}

export interface EntrypointRegistration {
  name: string;
  fn: AnyFunction;
  site?: BuildSite | undefined;
}

export interface AppRegistration {
  name: string | undefined;
  description?: string | undefined;
  functions: (FunctionRegistration | ClassRegistration)[];
  entrypoints: EntrypointRegistration[];
}

/** What an `App` object is to the build step: the property that holds what it registers. */
export const REGISTRATION = Symbol.for('gantry.registration');

const APPS = Symbol.for('gantry.apps');
const globals = globalThis as { [APPS]?: AppRegistration[] };

/** Every app created in this process, in order of creation. */
export function registeredApps(): AppRegistration[] {
  return (globals[APPS] ??= []);
}
