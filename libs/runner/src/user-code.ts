import { pathToFileURL } from 'node:url';

import {
  imageFunctions,
  instantiate,
  registeredApps,
  type AnyFunction,
  type ClassRegistration,
} from 'gantry/container';
import {
  ContainerError,
  IMAGE_FUNCTION,
  NotFoundError,
  type ClassParameters,
  type FunctionSpec,
} from '@gantry/protocol';

import { mapStacks } from './mapped-stacks.ts';

/** A function of the user, ready to be called with decoded arguments. */
export type Handler = (args: unknown[]) => unknown;

/** What a container serves: one free function, or one instance of a class. */
export interface UserCode {
  /** By method name; `""` for a free function. */
  handler(method: string): Handler;
  /** Classes of the parameters as decorators recorded them. */
  paramTypes(method: string): (Function | undefined)[];
  /** Runs `@enter` hooks, those before the snapshot first. */
  enter(): Promise<void>;
  readonly hasExitHooks: boolean;
  /** Runs `@exit` hooks, the last one first. A hook that fails does not keep the others from running. */
  exit(onFailure: (hook: string, thrown: unknown) => void): Promise<void>;
}

/** Imports what is at a URL. */
export type ImportModule = (url: string) => Promise<unknown>;

let importModule: ImportModule = (url) => import(url);

/** Says how to import: a program that was loaded as it had been compiled cannot do so itself. */
export function importWith(given: ImportModule): void {
  importModule = given;
}

/**
 * Imports a bundle and finds what `spec` names in it.
 *
 * @throws whatever the bundle's module code or the class's constructor throws.
 * @throws {@link ContainerError} if the bundle registers no such function.
 */
export async function loadUserCode(
  bundlePath: string,
  spec: FunctionSpec,
  parameters: ClassParameters,
): Promise<UserCode> {
  const { href } = pathToFileURL(bundlePath);
  mapStacks(href);
  await importModule(href);
  const imageFunction = spec.name.startsWith(IMAGE_FUNCTION)
    ? imageFunctions().get(spec.name.slice(IMAGE_FUNCTION.length))
    : undefined;
  if (imageFunction) return plainFunction(imageFunction);
  const registration = registeredApps()
    .flatMap((app) => app.functions)
    .find((candidate) => candidate.name === spec.name && candidate.kind === spec.kind);
  if (!registration) {
    throw new ContainerError(`the bundle registers no ${spec.kind} "${spec.name}"`, {
      hint: 'Register functions while the module loads, whatever the environment.',
    });
  }
  if (registration.kind === 'function') return plainFunction(registration.fn);
  return classCode(registration, parameters, await instantiate(registration));
}

function plainFunction(given: AnyFunction): UserCode {
  const fn = given as (...args: unknown[]) => unknown;
  const handler: Handler = (args) => fn(...args);
  return {
    handler: () => handler,
    paramTypes: () => [],
    enter: () => Promise.resolve(),
    hasExitHooks: false,
    exit: () => Promise.resolve(),
  };
}

function classCode(
  registration: ClassRegistration,
  parameters: ClassParameters,
  instance: Record<string, unknown>,
): UserCode {
  for (const { name } of registration.parameters) {
    const value = parameters[name];
    if (value !== undefined) instance[name] = value;
  }
  const call = (name: string, args: unknown[] = []): unknown =>
    (instance[name] as (...args: unknown[]) => unknown)(...args);
  const handlers = new Map<string, Handler>(
    registration.methods.map(({ name }) => [name, (args: unknown[]) => call(name, args)]),
  );
  return {
    handler(method) {
      const handler = handlers.get(method);
      if (handler) return handler;
      throw new NotFoundError(`class "${registration.name}" has no method "${method}"`, {
        hint: `Its methods: ${[...handlers.keys()].join(', ') || 'none'}.`,
      });
    },
    paramTypes: (method) => recordedTypes(registration.target.prototype as object, method),
    async enter() {
      const hooks = registration.enter;
      for (const { name } of [...hooks.filter((hook) => hook.snap), ...hooks.filter((hook) => !hook.snap)]) {
        await call(name);
      }
    },
    hasExitHooks: registration.exit.length > 0,
    async exit(onFailure) {
      for (const { name } of registration.exit.toReversed()) {
        try {
          await call(name);
        } catch (thrown) {
          onFailure(name, thrown);
        }
      }
    },
  };
}

type MetadataReader = (key: string, target: object, property: string) => (Function | undefined)[] | undefined;

function recordedTypes(prototype: object, method: string): (Function | undefined)[] {
  // The bundle brings reflect-metadata, which extends the global Reflect.
  const { getMetadata } = Reflect as { getMetadata?: MetadataReader };
  return getMetadata?.('design:paramtypes', prototype, method) ?? [];
}
