import { InvalidError } from '@gantry/protocol';

import type { StepFields } from './draft-steps.ts';
import type { PipInstallOptions, PyprojectInstallOptions } from './image-options.ts';
import { checkFlags } from './local-paths.ts';
import type { NewStep } from './image-steps.ts';
import { checkStepKeys, checkText, checkTexts, stepFields } from './step-checks.ts';

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

/** The packages of a requirements file. */
export function requirementsStep(subject: string, path: string, options: PipInstallOptions): NewStep {
  checkStepKeys(subject, options, PIP_KEYS);
  return pipFile(subject, { path, name: 'requirements.txt' }, pipStep(subject, [], options));
}

/** What the project of a file depends on. */
export function pyprojectStep(subject: string, path: string, options: PyprojectInstallOptions): NewStep {
  checkStepKeys(subject, options, [...PIP_KEYS, 'optionalDependencies']);
  const { optionalDependencies = [] } = options;
  if (!Array.isArray(optionalDependencies))
    throw new InvalidError(`${subject}: optionalDependencies is a list of names`);
  for (const name of optionalDependencies as unknown[]) checkText(subject, name);
  const spec: StepFields = {
    ...pipStep(subject, [], options),
    type: 'pip',
    packages: [],
    optionalDependencies,
  };
  return pipFile(subject, { path, name: 'pyproject.toml' }, spec);
}

function pipFile(subject: string, { path, name }: { path: string; name: string }, spec: StepFields): NewStep {
  checkText(subject, path);
  return { spec, local: { field: 'requirements', paths: [{ kind: 'file', path, name }] } };
}
