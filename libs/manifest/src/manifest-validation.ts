import {
  InvalidError,
  isDeeperThan,
  MANIFEST_SCHEMA_VERSION,
  VersionError,
  type Manifest,
} from '@gantry/protocol';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';

import { assertConsistent } from './manifest-consistency.ts';
import { ManifestShape } from './manifest-rules.ts';

// More would bury the first, which most often explains the rest.
const SHOWN_PROBLEMS = 5;
/** Whoever reads a manifest walks it by recursion. */
const MAX_DEPTH = 200;
const HINT = 'Build the app again, with the version of Gantry that the server has.';

/**
 * Checks that parsed JSON is a manifest, and returns it as one. Fields that this version does not know are
 * left as they are.
 *
 * @throws VersionError for a manifest of another schema version; BuildError for two functions of one name;
 * InvalidError naming what else is wrong.
 */
export function validateManifest(json: unknown): Manifest {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new InvalidError('the manifest is no JSON object', { hint: HINT });
  }
  if (isDeeperThan(json, MAX_DEPTH)) {
    throw new InvalidError(`the manifest is nested deeper than ${MAX_DEPTH} levels`, { hint: HINT });
  }
  const version: unknown = (json as Partial<Manifest>).schemaVersion;
  if (typeof version === 'number' && version !== MANIFEST_SCHEMA_VERSION) {
    throw new VersionError(
      `the manifest has schema version ${version}, but this is for ${MANIFEST_SCHEMA_VERSION}`,
      { hint: HINT },
    );
  }
  const problems = problemsOf(validateSync(plainToInstance(ManifestShape, json)), '');
  if (problems.length > 0) {
    throw new InvalidError(`the manifest is not valid: ${problems.slice(0, SHOWN_PROBLEMS).join('; ')}`, {
      hint: HINT,
      details: { problems },
    });
  }
  const manifest = json as Manifest;
  assertConsistent(manifest);
  return manifest;
}

function problemsOf(errors: readonly ValidationError[], prefix: string): string[] {
  return errors.flatMap((error) => {
    const path = /^\d+$/.test(error.property) ? `${prefix}[${error.property}]` : join(prefix, error.property);
    const own = Object.values(error.constraints ?? {}).map((text) => text.replace(error.property, path));
    return [...own, ...problemsOf(error.children ?? [], path)];
  });
}

function join(prefix: string, property: string): string {
  return prefix === '' ? property : `${prefix}.${property}`;
}
