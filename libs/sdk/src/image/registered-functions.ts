import type { AnyFunction } from '../registry.ts';

const FUNCTIONS = Symbol.for('gantry.imageFunctions');
// On globalThis: runner and user bundle carry separate copies of this module.
const globals = globalThis as { [FUNCTIONS]?: Map<string, AnyFunction> };

/** The functions that images run, by name: what a container that builds a step finds in the bundle. */
export function imageFunctions(): Map<string, AnyFunction> {
  return (globals[FUNCTIONS] ??= new Map());
}
