import { InvalidError } from '@gantry/protocol';

import type { FromNameOptions } from './remote-function.ts';

type Use<T> = (it: T) => unknown;

/** Options, a callback that uses what is opened, or both. */
export type EphemeralArgs<T> = [first?: FromNameOptions | Use<T>, use?: Use<T>];

/** Opens something: for the caller, who ends it, or for as long as a callback runs; then it resolves to what that returns. */
export async function openFor<T extends AsyncDisposable>(
  args: EphemeralArgs<T>,
  open: (options: FromNameOptions) => Promise<T>,
): Promise<unknown> {
  const [options = {}, use] = typeof args[0] === 'function' ? [{}, args[0]] : [args[0], args[1]];
  if (use !== undefined && typeof use !== 'function')
    throw new InvalidError(`the callback of ephemeral() is ${typeof use}, and must be a function`);
  const opened = await open(options);
  if (!use) return opened;
  try {
    return await use(opened);
  } finally {
    await opened[Symbol.asyncDispose]();
  }
}
