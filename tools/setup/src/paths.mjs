import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root directory. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** Programs that set-up installed; ignored by git. */
export const TOOLS_BIN = join(ROOT, '.tools', 'bin');

/** The built platform; ignored by git. */
export const DIST = join(ROOT, 'dist');

/** The environment in which every step and every program runs: what set-up installed wins over the system's. */
export function toolsEnvironment() {
  const parts = (process.env.PATH ?? '').split(delimiter).filter((part) => part !== '' && part !== TOOLS_BIN);
  return {
    ...process.env,
    PATH: [TOOLS_BIN, ...parts].join(delimiter),
    // Nx starts a background process by itself otherwise, which outlives the command.
    NX_DAEMON: 'false',
    NX_NO_CLOUD: 'true',
    NX_TUI: 'false',
  };
}
