import { renameSync, rmSync, writeFileSync } from 'node:fs';

import { IDENTITY_VARIABLES, type IdentityMessage } from '@gantry/protocol';

/**
 * Puts a token where code looks for it: into a file that only its own user reads, whole at any moment, and into the
 * variables of this process, of which programs get a copy that start later.
 */
export function keepIdentityToken({ path, token }: Pick<IdentityMessage, 'path' | 'token'>): void {
  process.env[IDENTITY_VARIABLES.token] = token;
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, token, { mode: 0o400, flag: 'wx' });
  renameSync(draft, path);
}
