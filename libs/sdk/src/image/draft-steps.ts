import type { BaseStep, BuildStep } from '@gantry/protocol';

// What an `Image` holds while an app is built: what its user wrote, before the build step has packed local files. It
// travels from the evaluating process to the build as JSON, so functions stand in lists of their own.

/** A step, and what is still to be done about it. */
export interface DraftStep {
  spec: StepFields;
  /** Local files, and the field of the step that is to name their archive. */
  local?: { field: ArchiveField; paths: LocalPath[] } | undefined;
  /** Lines of a Dockerfile, whose COPY and ADD name files below a folder. They become the field `context`. */
  dockerfile?: DockerfileDraft | undefined;
  /** What the engine says of the function to run. */
  functionText?: string | undefined;
  /** The stack of the call that added the step. */
  stack: string;
}

/** The fields of a step that need no file. */
export type StepFields = WithoutArchives<BaseStep | BuildStep>;

type ArchiveField = 'archive' | 'files' | 'context' | 'requirements';
type WithoutArchives<TStep> = TStep extends unknown
  ? Omit<TStep, ArchiveField | 'text' | 'sourceDigest'>
  : never;

/** Files put in place when a container starts. */
export interface DraftFiles {
  remotePath: string;
  paths: LocalPath[];
  stack: string;
  /** The method of `Image` that added them. */
  method: string;
}

/** A file or folder of this machine, and where it goes in an archive. */
export interface LocalPath {
  /** A `source` is a package of the workspace, by its name. */
  kind: 'file' | 'folder' | 'source';
  /** Absolute, or relative to the folder in which the app is built. */
  path: string;
  /** For a folder `''` where its content lies at the top of the archive. */
  name: string;
  /** Which of the process's ignore rules, counted from 0. */
  ignore?: number | undefined;
  /** What to do where a file is missing. @defaultValue to check its path */
  hint?: string | undefined;
}

export interface DockerfileDraft {
  /** The file, if the lines are not in the step. */
  path?: string | undefined;
  /** @defaultValue the folder in which the app is built */
  contextDir?: string | undefined;
  /** Files under names of their own, beside those of `contextDir`. */
  files: LocalPath[];
  /** @defaultValue the `.dockerignore` that Docker would take, if there is one */
  ignore?: number | undefined;
}

/** Says which files of a folder to leave out. */
export interface IgnoreRule {
  matches(path: string): boolean;
  /** Everything in an ignored folder is ignored, so the folder need not be looked into. */
  readonly prunes: boolean;
}

/** What the property {@link DRAFT} of an image holds. */
export interface ImageDraft {
  steps: readonly DraftStep[];
  files: readonly DraftFiles[];
}

/** What an `Image` is to the build step: the property that holds what was written. */
export const DRAFT = Symbol.for('gantry.image');

/** True for images, also those of another copy of the SDK. */
export function isImage(value: unknown): boolean {
  return typeof value === 'object' && value !== null && DRAFT in value;
}

const IGNORES = Symbol.for('gantry.ignores');

/** Keeps a rule for the build step, which asks it about paths while it packs. */
export function keepIgnore(rule: IgnoreRule): number {
  const rules = ((globalThis as { [IGNORES]?: IgnoreRule[] })[IGNORES] ??= []);
  return rules.push(rule) - 1;
}
