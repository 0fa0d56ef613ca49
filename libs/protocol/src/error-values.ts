import { fromWireError, RemoteError } from './errors.ts';
import { GantryError } from './gantry-error.ts';
import { knownClass, travelName } from './known-classes.ts';

/** What travels of an error. */
export interface ErrorDescription {
  /** Its class and ancestors, nearest first, without `Error`. */
  readonly classNames: readonly string[];
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly properties: readonly (readonly [name: string, value: unknown])[];
}

const BUILT_IN = new Map<string, new (message?: string) => Error>(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((type) => [type.name, type]),
);

// Where a stand-in keeps the class names of the error it stands for, so that the next hop may know them.
const ORIGINAL_CLASSES = Symbol.for('gantry.error.classes');
const HIDDEN = new Set(['cause', 'errors']);
const CARRIED_APART = new Set(['name', 'message', 'stack', 'remoteStack']);
// A stand-in's own; what the original had under these names is in `details` alone.
const STAND_IN_OWN = new Set(['code', 'hint', 'details']);

/** Takes an error apart. Getters that throw are left out. */
export function describeError(error: Error): ErrorDescription {
  const stack = attempt(() => error.stack);
  return {
    classNames: classNamesOf(error),
    name: String(attempt(() => error.name)),
    message: String(attempt(() => error.message)),
    stack: typeof stack === 'string' ? stack : undefined,
    properties: propertiesOf(error),
  };
}

function propertiesOf(error: Error): [string, unknown][] {
  const source = isStandIn(error) ? { ...error.details } : error;
  const properties: [string, unknown][] = [];
  for (const key of Object.keys(source)) {
    if (CARRIED_APART.has(key) || HIDDEN.has(key)) continue;
    const value: unknown = attempt(() => Reflect.get(source, key));
    if (value !== undefined) properties.push([key, value]);
  }
  for (const key of HIDDEN) if (Object.hasOwn(error, key)) properties.push([key, Reflect.get(error, key)]);
  return properties;
}

function isStandIn(error: Error): error is RemoteError {
  return ORIGINAL_CLASSES in error;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function classNamesOf(error: Error): string[] {
  const original: unknown = Reflect.get(error, ORIGINAL_CLASSES);
  if (Array.isArray(original)) return original.map(String);
  const names: string[] = [];
  for (let type: unknown = Object.getPrototypeOf(error); type !== null; type = Object.getPrototypeOf(type)) {
    const constructor: unknown = (type as { constructor?: unknown }).constructor;
    const ownName = error instanceof GantryError && errorName(constructor);
    const name = ownName || travelName(constructor);
    if (name === 'Error' || name === 'Object') break;
    if (name !== '') names.push(name);
  }
  return names;
}

function errorName(constructor: unknown): string | undefined {
  if (typeof constructor !== 'function' || !('errorName' in constructor)) return undefined;
  return String(constructor.errorName);
}

/**
 * Makes the error that a description tells of, still without its properties: an instance of the nearest class
 * known here, else a `RemoteError` that keeps the name.
 */
export function reviveError(description: Omit<ErrorDescription, 'properties'>): Error {
  const { classNames, name, message, stack } = description;
  const error = classNames.length === 0 ? new Error(message) : instantiate(classNames, name, message);
  if (error.name !== name && !(error instanceof RemoteError)) hide(error, 'name', name);
  hide(error, 'stack', stack ?? `${error.name}: ${message}`);
  return error;
}

function instantiate(classNames: readonly string[], name: string, message: string): Error {
  const isGantry = classNames.includes('GantryError');
  for (const className of classNames) {
    const error = isGantry ? gantryError(className, message) : plainError(className, name, message);
    if (error) return error;
  }
  const standIn = new RemoteError(message);
  hide(standIn, 'name', name === 'Error' ? (classNames[0] ?? name) : name);
  hide(standIn, ORIGINAL_CLASSES, classNames);
  return standIn;
}

function gantryError(className: string, message: string): Error | undefined {
  const known = knownClass(className);
  if (known)
    return Reflect.construct(GantryError, ['INTERNAL', message], known as typeof GantryError) as Error;
  const error = fromWireError({ name: className, code: 'INTERNAL', message });
  return error.name === className ? error : undefined;
}

function plainError(className: string, name: string, message: string): Error | undefined {
  if (className === 'AggregateError') return new AggregateError([], message);
  if (className === 'DOMException') return new DOMException(message, name);
  const known = knownClass(className) ?? BUILT_IN.get(className);
  // Not through the class's own constructor: it may want other arguments, or have effects.
  return known && (Reflect.construct(Error, [message], known as new () => Error) as Error);
}

/** Gives a revived error its own properties back. */
export function restoreProperties(error: Error, properties: readonly (readonly [string, unknown])[]): void {
  const visible = properties.filter(([key]) => !HIDDEN.has(key));
  for (const [key, value] of properties) {
    if (HIDDEN.has(key)) hide(error, key, value);
    else if (!isStandIn(error) || !STAND_IN_OWN.has(key)) show(error, key, value);
  }
  if (isStandIn(error)) show(error, 'details', Object.fromEntries(visible));
}

function hide(target: object, key: string | symbol, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: false, writable: true, configurable: true });
}

function show(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}
