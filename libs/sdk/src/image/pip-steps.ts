import { InvalidError } from '@gantry/protocol';

import type { DraftStep, StepFields } from './draft-steps.ts';
import type { PipInstallOptions, PyprojectInstallOptions } from './image-options.ts';
import { checkFlags } from './local-paths.ts';
import { checkText, checkTexts, stepFields } from './step-checks.ts';

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
