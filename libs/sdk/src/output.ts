import { checkKeys } from './option-checks.ts';

export interface OutputOptions {
  /** Also what the platform does: builds, uploads, containers that come and go. @defaultValue true */
  showProgress?: boolean;
}

// On globalThis: a program and its bundle may carry separate copies of this module.
const SCOPES = Symbol.for('gantry.output');
const globals = globalThis as { [SCOPES]?: OutputOptions[] };

/**
 * Shows what apps print that this program runs or deploys in the scope: the output of their containers, standard error
 * apart, and, on standard error, what the platform does. Without it `app.run()` and `app.deploy()` are silent.
 *
 * @example
 * ```ts
 * using output = enableOutput();
 * await app.run(async () => console.log(await square.remote(3)));
 *
 * await enableOutput({ showProgress: false }, () => app.deploy());
 * ```
 */
export function enableOutput(options?: OutputOptions): Disposable;
export function enableOutput<T>(body: () => T): T;
export function enableOutput<T>(options: OutputOptions, body: () => T): T;
export function enableOutput(...args: unknown[]): unknown {
  const [given, body] = typeof args[0] === 'function' ? [{}, args[0]] : [args[0] ?? {}, args[1]];
  checkKeys('enableOutput', given as object, ['showProgress']);
  const scope = openScope(given as OutputOptions);
  if (typeof body !== 'function') return scope;
  let result: unknown;
  try {
    result = (body as () => unknown)();
  } catch (error) {
    scope[Symbol.dispose]();
    throw error;
  }
  if (result instanceof Promise) return result.finally(() => scope[Symbol.dispose]());
  scope[Symbol.dispose]();
  return result;
}

/** What is shown at present; undefined if nothing is. The innermost scope counts. */
export function shownOutput(): Required<OutputOptions> | undefined {
  const scope = globals[SCOPES]?.at(-1);
  return scope && { showProgress: scope.showProgress ?? true };
}

function openScope(options: OutputOptions): Disposable {
  const scopes = (globals[SCOPES] ??= []);
  const own = { ...options };
  scopes.push(own);
  return {
    [Symbol.dispose]() {
      const at = scopes.indexOf(own);
      if (at >= 0) scopes.splice(at, 1);
    },
  };
}
