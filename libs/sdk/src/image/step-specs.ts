import { InvalidError, type RegistryStep, type SecretRef } from '@gantry/protocol';

import { checkKeys, checkSecrets } from '../option-checks.ts';
import type { DraftStep, StepFields } from './draft-steps.ts';
import type { PipInstallOptions, PyprojectInstallOptions, RegistryOptions } from './image-options.ts';
import { checkFlags } from './local-paths.ts';
import { checkText, checkTexts, checkVersions, stepFields } from './step-checks.ts';

const PIP_TEXTS = ['findLinks', 'indexUrl', 'extraIndexUrl', 'extraOptions'];

/** Options that pip steps have beside those of every step. */
export const PIP_KEYS = [...PIP_TEXTS, 'pre'];

export function pipStep(
  subject: string,
  packages: string[],
  options: Partial<PipInstallOptions>,
): StepFields {
  checkTexts(subject, options, PIP_TEXTS);
  checkFlags(subject, { pre: options.pre });
  const { findLinks, indexUrl, extraIndexUrl, extraOptions, pre } = options;
  return {
    type: 'pip',
    packages,
    findLinks,
    indexUrl,
    extraIndexUrl,
    ...(pre ? { pre: true } : {}),
    extraOptions,
    ...stepFields(subject, options),
  };
}

export const PYPROJECT_KEYS = [...PIP_KEYS, 'optionalDependencies'];

export function pyprojectStep(subject: string, options: PyprojectInstallOptions): StepFields {
  const { optionalDependencies = [] } = options;
  if (!Array.isArray(optionalDependencies))
    throw new InvalidError(`${subject}: optionalDependencies is a list of names`);
  for (const name of optionalDependencies as unknown[]) checkText(subject, name);
  return { ...pipStep(subject, [], options), type: 'pip', packages: [], optionalDependencies };
}

/** A pip step that reads what to install from a local file. */
export function pipFile(
  subject: string,
  { path, name }: { path: string; name: string },
  spec: StepFields,
): Omit<DraftStep, 'stack'> {
  checkText(subject, path);
  return { spec, local: { field: 'requirements', paths: [{ kind: 'file', path, name }] } };
}

type CredentialKind = NonNullable<RegistryStep['credentials']>['kind'];

export function registryStep(
  { subject, kind }: { subject: string; kind: CredentialKind },
  reference: string,
  options: RegistryOptions,
): StepFields {
  checkText(subject, reference);
  if (!/^[\w.:/@-]+$/.test(reference)) {
    throw new InvalidError(`${subject}: "${reference}" is no reference of an image`, {
      hint: 'Write a name and a tag or digest, such as node:22-slim or ghcr.io/owner/name:1.0.',
    });
  }
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
