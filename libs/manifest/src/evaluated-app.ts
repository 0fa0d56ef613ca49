import type { SecretValues, SourceSite, WebSpec } from '@gantry/protocol';
import type { DraftFiles, DraftStep } from 'gantry/internal';

import type { HandlerKind } from './handler-kind.ts';

/** A build site as the SDK stored it; undefined for registrations that a wrapper made. */
export interface EvaluatedSite {
  name?: string;
  file: string;
  line: number;
}

interface EvaluatedUnit {
  name: string;
  site?: EvaluatedSite;
  options: Record<string, unknown>;
  /** Which of the evaluated images. */
  image?: number;
  concurrent?: { maxInputs: number; targetInputs?: number };
  batched?: { maxBatchSize: number; waitMs: number };
  clustered?: { size: number };
}

/** A free function as the evaluated bundle registered it. */
export interface EvaluatedFunction extends EvaluatedUnit {
  kind: 'function';
  web?: WebSpec;
  handlerKind: HandlerKind;
}

/** A class as the evaluated bundle registered it. */
export interface EvaluatedClass extends EvaluatedUnit {
  kind: 'class';
  methods: { name: string; callable: boolean; web?: WebSpec; handlerKind: HandlerKind }[];
  enter: { name: string; snap: boolean }[];
  exit: { name: string }[];
  parameters: { name: string; hasDefault: boolean }[];
}

/** An app as the evaluated bundle registered it. */
export interface EvaluatedApp {
  name?: string;
  description?: string;
  /** Names under which the entry exports it. */
  exportNames: string[];
  functions: (EvaluatedFunction | EvaluatedClass)[];
  entrypoints: { name: string; site?: EvaluatedSite }[];
}

/** An error that the bundle threw while it was evaluated. */
export interface EvaluationError {
  name: string;
  message: string;
  stack: string;
  hint?: string;
  code?: string;
  /** True for errors of the platform, whose messages speak to the user. */
  isGantry?: boolean;
}

/** An image as the evaluated bundle wrote it. Its local files are still to be packed. */
export interface EvaluatedImage {
  steps: Located<DraftStep>[];
  files: Located<DraftFiles>[];
}

type Located<T extends { stack: string }> = Omit<T, 'stack'> & { site: SourceSite };

/** What the evaluating process is asked first: what a bundle registers, or values of inline secrets by index. */
export interface EvaluationOrder {
  url: string;
  secrets?: number[] | undefined;
}

/** What the evaluating process answers first. */
export type EvaluationAnswer =
  | { apps: EvaluatedApp[]; images: { steps: DraftStep[]; files: DraftFiles[] }[] }
  | { secrets: Record<string, SecretValues>; files: string[] }
  | { error: EvaluationError };

/** What it answers to each question about a rule. */
export type IgnoredAnswer = { request: number } & (
  { ignored: boolean[]; prunes: boolean } | { error: EvaluationError }
);

/** All that a bundle registered. */
export interface Evaluated {
  apps: EvaluatedApp[];
  images: EvaluatedImage[];
}
