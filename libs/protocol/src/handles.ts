import { DeserializationError } from './errors.ts';

/**
 * A method under this symbol says what an object of the platform travels as: something that leads back to the same
 * object of the platform from any program or container, instead of the object's own fields. Null forbids it to
 * travel.
 */
export const HANDLE: unique symbol = Symbol.for('gantry.handle') as never;

/** What a handle travels as. */
export interface HandleState {
  /** Under which {@link registerHandle} knows it. */
  kind: string;
  /** Any value that can be sent. */
  state: unknown;
}

type Revive = (state: never) => object;

const REVIVERS = Symbol.for('gantry.handles');

// On globalThis: runner and user bundle carry separate copies of this module.
const globals = globalThis as { [REVIVERS]?: Map<string, Revive> };

/** Says how handles of a kind are made where they arrive; the last one to say so counts. */
export function registerHandle<TState>(kind: string, revive: (state: TState) => object): void {
  (globals[REVIVERS] ??= new Map()).set(kind, revive);
}

/** What the object travels as if it is a handle; null for an object of the platform that cannot be sent. */
export function handleState(value: object): HandleState | null | undefined {
  const travel: unknown = Reflect.get(value, HANDLE);
  return typeof travel === 'function' ? (travel.call(value) as HandleState | null) : undefined;
}

/** @throws {@link DeserializationError} if this program does not know the kind. */
export function reviveHandle({ kind, state }: HandleState): object {
  const revive = globals[REVIVERS]?.get(kind);
  if (revive) return revive(state as never);
  throw new DeserializationError(`the value holds a "${kind}", which this program does not know`, {
    hint: 'Import the SDK of the same version where it arrives.',
  });
}
