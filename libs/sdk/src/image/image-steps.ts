import { InvalidError } from '@gantry/protocol';

import { checkKeys } from '../option-checks.ts';
import type { DraftStep } from './draft-steps.ts';
import type {
  BuildStepOptions,
  DebianSlimOptions,
  DockerfileCommandsOptions,
  DockerfileOptions,
  NpmInstallOptions,
  PipInstallOptions,
  PrivateReposOptions,
} from './image-options.ts';
import { ignoreRef, namedFiles } from './local-paths.ts';
import { PIP_KEYS, pipStep } from './pip-steps.ts';
import { privateRepositoriesStep } from './private-repositories-step.ts';
import {
  checkAbsolute,
  checkPackages,
  checkStepKeys,
  checkText,
  checkTexts,
  checkVariables,
  checkVersions,
  splitWords,
  STEP_KEYS,
  stepFields,
  type WordsThen,
} from './step-checks.ts';

/** A step, before it is known where it was written. */
export type NewStep = Omit<DraftStep, 'stack'>;

const IMAGE_ID = /^im-[0-9A-Za-z]{22}$/;
const APT_PACKAGE = /^[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?(?:[=/][\w.+~:-]+)?$/;

export function debianStep(subject: string, options: DebianSlimOptions): NewStep {
  checkKeys(subject, options, ['nodeVersion', 'pythonVersion', 'forceBuild']);
  checkVersions(subject, options, ['nodeVersion', 'pythonVersion']);
  const { nodeVersion, pythonVersion, ...rest } = options;
  return { spec: { type: 'debian', nodeVersion, pythonVersion, ...stepFields(subject, rest) } };
}

export function dockerfileStep(subject: string, path: string, options: DockerfileOptions): NewStep {
  checkText(subject, path);
  checkStepKeys(subject, options, ['contextDir', 'ignore', 'addNode', 'addPython']);
  checkTexts(subject, options, ['contextDir']);
  checkVersions(subject, options, ['addNode', 'addPython']);
  const { contextDir, addNode, addPython } = options;
  const ignore = options.ignore && ignoreRef(subject, options.ignore);
  const spec = { type: 'dockerfile', addNode, addPython, ...stepFields(subject, options) } as const;
  return { spec, dockerfile: { path, contextDir, files: [], ignore } };
}

export function builtImageStep(subject: string, id: string): NewStep {
  checkText(subject, id);
  if (IMAGE_ID.test(id)) return { spec: { type: 'image', id } };
  throw new InvalidError(`${subject}: "${id}" is no id of an image`, {
    hint: 'Take one that a deploy has shown: "im-" and 22 letters and digits.',
  });
}

// Those below take words and options as their methods get them; without a word there is nothing to do.

export function aptStep(subject: string, given: WordsThen<BuildStepOptions>): NewStep | false {
  const { words, options } = splitWords<BuildStepOptions>(subject, given);
  checkPackages(subject, words, APT_PACKAGE);
  return words.length > 0 && { spec: { type: 'apt', packages: words, ...stepFields(subject, options) } };
}

export function npmStep(subject: string, given: WordsThen<NpmInstallOptions>): NewStep | false {
  const texts = ['registry', 'extraOptions'] as const;
  const { words, options } = splitWords<NpmInstallOptions>(subject, given, [...STEP_KEYS, ...texts]);
  checkPackages(subject, words);
  checkTexts(subject, options, texts);
  const { registry, extraOptions } = options;
  const fields = { registry, extraOptions, ...stepFields(subject, options) };
  return words.length > 0 && { spec: { type: 'npm', packages: words, ...fields } };
}

export function pipPackagesStep(subject: string, given: WordsThen<PipInstallOptions>): NewStep | false {
  const { words, options } = splitWords<PipInstallOptions>(subject, given, [...STEP_KEYS, ...PIP_KEYS]);
  checkPackages(subject, words);
  return words.length > 0 && { spec: pipStep(subject, words, options) };
}

export function pipRepositoriesStep(subject: string, given: WordsThen<PrivateReposOptions>): NewStep | false {
  const keys = [...STEP_KEYS, ...PIP_KEYS, 'gitUser'];
  const { words, options } = splitWords<PrivateReposOptions>(subject, given, keys);
  return words.length > 0 && { spec: privateRepositoriesStep(subject, words, options) };
}

export function runStep(subject: string, given: WordsThen<BuildStepOptions>): NewStep | false {
  const { words, options } = splitWords<BuildStepOptions>(subject, given);
  return words.length > 0 && { spec: { type: 'run', commands: words, ...stepFields(subject, options) } };
}

export function dockerfileCommandsStep(
  subject: string,
  given: WordsThen<DockerfileCommandsOptions>,
): NewStep | false {
  const keys = [...STEP_KEYS, 'contextFiles', 'contextDir', 'ignore'];
  const { words, options } = splitWords<DockerfileCommandsOptions>(subject, given, keys);
  checkTexts(subject, options, ['contextDir']);
  const { contextDir, contextFiles } = options;
  const ignore = options.ignore && ignoreRef(subject, options.ignore);
  const files = contextFiles === undefined ? [] : namedFiles(subject, contextFiles);
  const spec = { type: 'dockerfileCommands', lines: words, ...stepFields(subject, options) } as const;
  return words.length > 0 && { spec, dockerfile: { contextDir, files, ignore } };
}

export function envStep(subject: string, variables: Record<string, string>): NewStep {
  checkVariables(subject, variables);
  return { spec: { type: 'env', variables: { ...variables } } };
}

export function workdirStep(subject: string, path: string): NewStep {
  checkAbsolute(subject, path);
  return { spec: { type: 'workdir', path } };
}

/** What a container runs, or what runs lines in it. */
export function wordsStep(
  subject: string,
  type: 'entrypoint' | 'cmd' | 'shell',
  words: readonly string[],
): NewStep {
  if (!Array.isArray(words)) throw new InvalidError(`${subject} takes a list of words`);
  for (const word of words as unknown[]) checkText(subject, word);
  if (type === 'shell' && words.length === 0) throw new InvalidError(`${subject} needs a program`);
  return { spec: { type, words: [...words] } };
}
