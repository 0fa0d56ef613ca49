import { InvalidError, type RegistryStep, type SecretRef } from '@gantry/protocol';

import { checkKeys, checkSecrets } from '../option-checks.ts';
import type { DraftStep, LocalPath, StepFields } from './draft-steps.ts';
import type { NpmCiOptions, PnpmInstallOptions, RegistryOptions } from './image-options.ts';
import { checkStepKeys, checkText, checkTexts, checkVersions, stepFields } from './step-checks.ts';

const LOCK_FILES = { npmCi: 'package-lock.json', pnpm: 'pnpm-lock.yaml' };
const LOCKED_TEXTS = ['packageJson', 'lockfile', 'extraOptions'];

/** A step that installs what a lock file says. */
export function lockedStep(
  subject: string,
  options: NpmCiOptions & PnpmInstallOptions,
  type: keyof typeof LOCK_FILES,
): Omit<DraftStep, 'stack'> {
  checkStepKeys(subject, options, LOCKED_TEXTS);
  checkTexts(subject, options, LOCKED_TEXTS);
  const { packageJson = 'package.json', extraOptions } = options;
  const lockfile = options.lockfile ?? packageJson.replace(/[^/]*$/, LOCK_FILES[type]);
  const paths: LocalPath[] = [
    { kind: 'file', path: packageJson, name: 'package.json' },
    { kind: 'file', path: lockfile, name: LOCK_FILES[type] },
  ];
  const spec: StepFields = { type, extraOptions, ...stepFields(subject, options) };
  return { spec, local: { field: 'files', paths } };
}

/** @throws {@link InvalidError} for what no image of a registry is called. */
export function checkReference(subject: string, reference: unknown): void {
  checkText(subject, reference);
  if (/^[\w.:/@-]+$/.test(reference)) return;
  throw new InvalidError(`${subject}: "${reference}" is no reference of an image`, {
    hint: 'Write a name and a tag or digest, such as node:22-slim or ghcr.io/owner/name:1.0.',
  });
}

type CredentialKind = NonNullable<RegistryStep['credentials']>['kind'];

export function registryStep(
  { subject, kind }: { subject: string; kind: CredentialKind },
  reference: string,
  options: RegistryOptions,
): StepFields {
  checkReference(subject, reference);
  checkKeys(subject, options, ['secret', 'setupDockerfileCommands', 'addNode', 'addPython', 'forceBuild']);
  checkVersions(subject, options, ['addNode', 'addPython']);
  const { setupDockerfileCommands: lines, addNode, addPython, forceBuild, secret } = options;
  if (secret !== undefined || kind !== 'static') checkSecrets(subject, [secret]);
  // It turns itself into what a manifest says of it.
  const credentials = secret && { kind, secret: secret as unknown as SecretRef };
  if (lines !== undefined && !Array.isArray(lines)) {
    throw new InvalidError(`${subject}: setupDockerfileCommands must be a list of lines`);
  }
  for (const line of lines ?? []) checkText(subject, line);
  const setupCommands = lines && lines.length > 0 ? [...lines] : undefined;
  return {
    type: 'registry',
    reference,
    credentials,
    setupCommands,
    addNode,
    addPython,
    ...stepFields(subject, { forceBuild }),
  };
}
