import type { LayerStep } from '@gantry/images';
import { BuildError, GantryTimeoutError, type SecretValues } from '@gantry/protocol';
import { SecretMask } from '@gantry/secrets';

import type { WorkWatch } from './shared-work.ts';

/** @throws BuildError if the secrets of a step lack a variable that it needs. */
export function assertTokens({ tokens = [] }: Pick<LayerStep, 'tokens'>, secrets: SecretValues): void {
  const missing = tokens.filter((name) => !secrets[name]);
  if (missing.length === 0) return;
  const [first = ''] = missing;
  throw new BuildError(`no secret of it has ${missing.join(' or ')}`, {
    hint: `Add the token to a secret of the step: "gantry secret create NAME ${first}=..." and secrets: [Secret.fromName('NAME', { requiredKeys: ['${first}'] })].`,
  });
}

/** Carries out a step, and strikes out its secrets in all that is told of it. */
export async function withoutSecrets<T>(
  secrets: SecretValues,
  watch: WorkWatch,
  work: (watch: WorkWatch) => Promise<T>,
): Promise<T> {
  const mask = new SecretMask(secrets);
  try {
    return await work({ ...watch, onLine: (line) => watch.onLine(mask.apply(line)) });
  } catch (error) {
    throw masked(error, mask);
  }
}

// Without its cause, which says the same in its own words.
function masked(error: unknown, mask: SecretMask): unknown {
  if (!(error instanceof BuildError || error instanceof GantryTimeoutError)) return error;
  const { lastLines } = error.details as { lastLines?: string[] };
  const details = {
    ...error.details,
    ...(lastLines && { lastLines: lastLines.map((line) => mask.apply(line)) }),
  };
  const options = { details, hint: error.hint && mask.apply(error.hint) };
  const message = mask.apply(error.message);
  return error instanceof BuildError
    ? new BuildError(message, options)
    : new GantryTimeoutError(message, options);
}
