import { InvalidError } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { Manifest } from './manifest.ts';

/**
 * A secret as a manifest names it; values are never in one.
 *
 * A named one is looked up when a container starts. An inline one was made by code: its values go from the client to
 * the server when the app is deployed, beside the manifest, under the index that it has in it.
 */
export type SecretRef =
  | {
      type: 'named';
      name: string;
      /** @defaultValue the environment of the app */
      environment?: string | undefined;
      /** The deploy fails if one of them is missing. */
      requiredKeys?: string[] | undefined;
    }
  | { type: 'inline'; index: number };

/** Environment variables and their values. */
export type SecretValues = Readonly<Record<string, string>>;

/** A named secret as the registry keeps it, under `secret.<environment>.<name>`. */
export interface SecretRecord {
  id: string;
  name: string;
  environment: string;
  /** Names of its variables, sorted. */
  keys: string[];
  /** Its values, encrypted. */
  sealed: Uint8Array;
  createdAtMs: number;
  updatedAtMs: number;
}

/** Values of the inline secrets of one version of an app, under `inlineSecrets.<app>.<version>`. */
export interface InlineSecretsRecord {
  appId: string;
  version: number;
  secrets: { index: number; sealed: Uint8Array }[];
}

/** The key that secrets are sealed with, under `sealingKey`: its id, never itself. */
export interface SealingKeyRecord {
  id: string;
}

/** What lists say about a named secret: never its values. */
export type SecretSummary = Omit<SecretRecord, 'sealed'>;

const KEY = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/;

/**
 * Checks values that are to become environment variables. No message holds a value.
 *
 * @throws {@link InvalidError} for a key that no variable can have, a value that is no text, or too much in all.
 */
export function assertSecretValues(subject: string, values: unknown): asserts values is SecretValues {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new InvalidError(`${subject}: values must be an object of texts by name`);
  }
  let bytes = 0;
  for (const [key, value] of Object.entries(values) as [string, unknown][]) {
    assertSecretKey(subject, key);
    if (typeof value !== 'string' || value.includes('\0')) {
      throw new InvalidError(`${subject}: the value of "${key}" must be text without null characters`);
    }
    bytes += key.length + new TextEncoder().encode(value).length;
  }
  if (bytes <= LIMITS.secretBytes) return;
  throw new InvalidError(`${subject} has ${bytes} bytes, which is above ${LIMITS.secretBytes}`, {
    hint: 'Keep large files elsewhere, and what decrypts them in the secret.',
  });
}

/** @throws {@link InvalidError} for what cannot be the name of an environment variable. */
export function assertSecretKey(subject: string, key: unknown): asserts key is string {
  if (typeof key === 'string' && KEY.test(key)) return;
  throw new InvalidError(`${subject}: ${JSON.stringify(key) ?? String(key)} is no valid name of a variable`, {
    hint: 'Use letters, digits, underscores, dots and dashes, and a letter or underscore first.',
  });
}

/** Every secret that a manifest names, also for the steps of its images. */
export function secretRefsOf({
  functions,
  images = [],
}: Pick<Manifest, 'functions' | 'images'>): SecretRef[] {
  const ofFunctions = functions.flatMap(({ options: { secrets = [], buckets = [] } }) => [
    ...secrets,
    ...buckets.flatMap(({ secret }) => secret ?? []),
  ]);
  const ofImages = images.flatMap(({ steps }) =>
    steps.flatMap((step) => {
      const credentials = 'credentials' in step && step.credentials ? [step.credentials.secret] : [];
      const buckets = 'buckets' in step ? (step.buckets ?? []) : [];
      return [
        ...('secrets' in step ? (step.secrets ?? []) : []),
        ...credentials,
        ...buckets.flatMap(({ secret }) => secret ?? []),
      ];
    }),
  );
  return [...ofFunctions, ...ofImages];
}
