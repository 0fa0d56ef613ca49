import { InvalidError, type RollbackRequest } from '@gantry/protocol';

const LONGEST_NAME = 200;

/**
 * Checks the body of a rollback; an empty one means the version before the live one.
 *
 * @throws InvalidError naming the wrong field.
 */
export function readRollbackRequest(body: unknown): RollbackRequest {
  if (typeof body !== 'object' || body === null)
    throw new InvalidError('a rollback request must be a JSON object');
  const { version, deployedBy } = body as { version?: unknown; deployedBy?: unknown };
  if (version !== undefined && (!Number.isSafeInteger(version) || Number(version) < 1)) {
    throw new InvalidError(`"version" of the rollback request is wrong: ${String(version)} is no version`, {
      hint: 'Versions count from 1.',
    });
  }
  if (deployedBy !== undefined && (typeof deployedBy !== 'string' || deployedBy.length > LONGEST_NAME)) {
    throw new InvalidError('"deployedBy" of the rollback request is wrong: it must be a short text');
  }
  return { version: version as number | undefined, deployedBy };
}
