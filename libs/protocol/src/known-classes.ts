/** A class whose instances can travel by name. */
export type KnownClass = abstract new (...args: never[]) => object;

interface ClassRegistry {
  readonly byName: Map<string, KnownClass>;
  readonly nameOf: WeakMap<object, string>;
}

const REGISTRY = Symbol.for('gantry.types');

// On globalThis: runner and user bundle carry separate copies of this module.
const globals = globalThis as { [REGISTRY]?: ClassRegistry };

function registry(): ClassRegistry {
  return (globals[REGISTRY] ??= { byName: new Map(), nameOf: new WeakMap() });
}

/**
 * Lets instances of a class arrive as instances of that class, where it is registered under the same name on
 * both sides; elsewhere they arrive as plain objects. Own enumerable properties travel, private `#fields` do
 * not, and no constructor runs on arrival.
 *
 * @example
 * ```ts
 * class Money { constructor(public cents = 0) {} }
 * registerType('Money', Money);
 * ```
 */
export function registerType(name: string, knownClass: KnownClass): void {
  registry().byName.set(name, knownClass);
  registry().nameOf.set(knownClass, name);
}

/**
 * Lets errors of a class arrive as errors of that class, so that `instanceof` works on the caller's side. An
 * error whose class and ancestors are unknown arrives as a `RemoteError` with the same `name` and message.
 *
 * @example
 * ```ts
 * export class PaymentError extends Error {}
 * registerErrorClass('PaymentError', PaymentError);
 * ```
 */
export function registerErrorClass(name: string, errorClass: abstract new (...args: never[]) => Error): void {
  registerType(name, errorClass);
}

const DECLARED_ERRORS = Symbol.for('gantry.errorClasses');
const declarations = globalThis as { [DECLARED_ERRORS]?: KnownClass[] };

// The build step puts a statement behind each of the user's error classes that adds it here. They take their names
// when a name is first looked up, and only where nothing was registered explicitly.
function registerDeclaredErrors(): void {
  const declared = declarations[DECLARED_ERRORS];
  if (declared === undefined || declared.length === 0) return;
  for (const errorClass of declared.splice(0)) {
    const isError = errorClass.prototype instanceof Error;
    if (isError && !registry().byName.has(errorClass.name) && !registry().nameOf.has(errorClass))
      registerType(errorClass.name, errorClass);
  }
}

/** The class registered under a name. */
export function knownClass(name: string): KnownClass | undefined {
  registerDeclaredErrors();
  return registry().byName.get(name);
}

/** The name a class travels under: the registered one, else its own. */
export function travelName(constructor: unknown): string {
  if (typeof constructor !== 'function') return '';
  return registry().nameOf.get(constructor) ?? constructor.name;
}
