import type { FileRef, FunctionStep, RegistryStep, SecretRef } from '@gantry/protocol';

/** An image definition, resolved into what is to be done, in order. */
export interface ImagePlan {
  steps: PlannedStep[];
}

export type PlannedStep = LayerStep | ConfigStep | KeptStep;

/** A step that changes files: one layer, or, at the base, several. */
export interface LayerStep {
  kind: 'layer';
  /** What people read while it runs. */
  title: string;
  /** Which step of the definition it belongs to. */
  written: number;
  work: LayerWork;
  /** Decides, with what is below, whether an earlier result can be used again. */
  definition: string;
  /** No earlier result is used. */
  forceBuild: boolean;
  secrets: readonly SecretRef[];
  /** What to do where it fails. @defaultValue to see what it printed */
  hint?: string | undefined;
  /** Variables that its secrets must have. @defaultValue none */
  tokens?: readonly string[] | undefined;
  /** Of a list, the first that the building machine has. */
  gpu?: string | readonly string[] | undefined;
  timeoutMs: number;
}

/** A step that changes only what the image says about processes. */
export interface ConfigStep {
  kind: 'config';
  title: string;
  written: number;
  change: ConfigChange;
}

/** A base that was built before. */
export interface KeptStep {
  kind: 'kept';
  title: string;
  written: number;
  /** Of an image. */
  id: string;
}

export type ConfigChange =
  | { type: 'env'; variables: Record<string, string> }
  | { type: 'workdir'; path: string }
  | { type: 'entrypoint' | 'cmd' | 'shell'; words: string[] };

/** What has to be done for a layer. */
export type LayerWork =
  /** A Debian with nothing but these packages and what they need, from the sources of the building machine. */
  | { type: 'debian'; suite: string; packages: string[] }
  /** Node and npm of one version, under `/usr/local`. */
  | { type: 'node'; version: string }
  | { type: 'pull'; reference: string; credentials?: RegistryStep['credentials'] }
  /** Each command has a shell of its own. `files` is unpacked at {@link STEP_FILES} meanwhile. */
  | { type: 'run'; commands: string[]; files?: FileRef | undefined }
  /** Lines of a Dockerfile on top of what is below, or, with `isWhole`, a Dockerfile with a base of its own. */
  | { type: 'dockerfile'; text: string; context?: FileRef | undefined; isWhole: boolean }
  | { type: 'copy'; archive: FileRef; remotePath: string }
  | { type: 'function'; step: FunctionStep };

/** Where a step finds the files that belong to it alone. No part of any layer. */
export const STEP_FILES = '/dev/gantry/files';

/** Where a step may write what is gone when it is done. No part of any layer. */
export const STEP_CACHES = '/dev/gantry/caches';

/** How long a step may take that does not say. */
export const STEP_TIMEOUT_MS = 3_600_000;
