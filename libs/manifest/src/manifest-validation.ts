import { InvalidError, MANIFEST_SCHEMA_VERSION, VersionError, type Manifest } from '@gantry/protocol';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';

import { ManifestShape } from './manifest-rules.ts';

// More would bury the first, which most often explains the rest.
const SHOWN_PROBLEMS = 5;

/**
 * Checks that parsed JSON is a manifest, and returns it as one. Fields that this version does not know are
 * left as they are.
 *
 * @throws VersionError for a manifest of another schema version; InvalidError naming what is wrong.
 */
export function validateManifest(json: unknown): Manifest {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new InvalidError('the manifest is no JSON object', { hint: 'Build the app again.' });
  }
  const version: unknown = (json as Partial<Manifest>).schemaVersion;
  if (typeof version === 'number' && version !== MANIFEST_SCHEMA_VERSION) {
    throw new VersionError(
      `the manifest has schema version ${version}, but this is for ${MANIFEST_SCHEMA_VERSION}`,
      {
        hint: 'Build the app with the same version of Gantry as the server.',
      },
    );
  }
  const problems = problemsOf(validateSync(plainToInstance(ManifestShape, json)), '');
  if (problems.length === 0) return json as Manifest;
  throw new InvalidError(`the manifest is not valid: ${problems.slice(0, SHOWN_PROBLEMS).join('; ')}`, {
    hint: 'Build the app again.',
    details: { problems },
  });
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
