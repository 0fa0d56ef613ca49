import { InvalidError } from './errors.ts';
import { isId } from './ids.ts';
import { assertName } from './names.ts';

/** An environment. What belongs to it names its id, so that a new name changes nothing else. */
export interface EnvironmentRecord {
  /** `en-…`; of `main`, and of those that were in use before environments were kept, the first name. */
  id: string;
  name: string;
  /** Stands behind the workspace in host names; empty for one environment at most. */
  webSuffix: string;
  createdAtMs: number;
}

/** One that was deleted: kept for a while, so that what a deploy under way leaves in it is found. */
export interface DeletedEnvironment {
  id: string;
  name: string;
  deletedAtMs: number;
}

/** All environments of the workspace, under one key: that names and suffixes are unique is one compare-and-set. */
export interface EnvironmentsRecord {
  environments: EnvironmentRecord[];
  deleted: DeletedEnvironment[];
}

/** Finds environments for what keeps objects by environment. */
export interface Environments {
  /** Resolves when all are known. */
  open(): Promise<void>;
  /**
   * The id of the environment with this name or id: what its objects are kept under.
   *
   * @throws {@link NotFoundError} if there is none.
   */
  idOf(nameOrId: string): Promise<string>;
  /** What users call it. Whatever is no known id is returned as it is. */
  nameOf(id: string): string;
}

/** How many objects an environment has, by kind. */
export interface EnvironmentContents {
  /** Those that are not stopped. */
  apps: number;
  volumes: number;
  secrets: number;
  dicts: number;
  queues: number;
}

/** An environment in answers of the API. */
export interface EnvironmentSummary {
  id: string;
  name: string;
  webSuffix: string;
  createdAtMs: number;
}

/** What is in it, or, where it was deleted, what was in it. */
export interface EnvironmentReport extends EnvironmentSummary {
  contents: EnvironmentContents;
}

export interface NewEnvironmentRequest {
  name: string;
  /** @defaultValue the name, in lower case, with dashes for what is no letter or digit */
  webSuffix?: string | undefined;
}

/** What is to be other than it is. */
export interface ChangeEnvironmentRequest {
  name?: string | undefined;
  /** Empty: none. */
  webSuffix?: string | undefined;
}

/** Lower case; everything but letters and digits becomes a dash; no dashes at the ends or side by side. */
export function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** @throws {@link InvalidError} for a name that no environment can have. */
export function assertEnvironmentName(name: unknown): asserts name is string {
  assertName('environment', name);
  if (!isId(name, 'en')) return;
  throw new InvalidError(`an environment cannot be called "${name}": that is the form of an environment id`);
}

/** @throws {@link InvalidError} for what cannot be part of a host name; empty text can. */
export function assertWebSuffix(suffix: string): void {
  if (suffix.length <= 64 && slug(suffix) === suffix) return;
  const better = slug(suffix).slice(0, 64);
  throw new InvalidError(`"${suffix}" cannot be a web suffix: it is part of host names`, {
    hint: `Use lower-case letters, digits and single dashes between them${better === '' ? '' : `, such as "${better}"`}.`,
  });
}
