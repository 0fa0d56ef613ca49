import type { Environments } from '@gantry/protocol';

/** For tests of other things: every name is an environment, and its own id. */
export const ANY_ENVIRONMENT: Environments = {
  open: async () => undefined,
  idOf: async (name) => name,
  nameOf: (id) => id,
};
