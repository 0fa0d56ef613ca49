import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import {
  BuildError,
  fromWireError,
  isErrorCode,
  secretRefsOf,
  type Manifest,
  type SecretValues,
} from '@gantry/protocol';

import type { EvaluationError } from './evaluated-app.ts';
import { EvaluatorProcess } from './evaluator-process.ts';

export interface InlineSecretsOptions {
  manifest: Manifest;
  /** The folder that a build wrote: where the bundle lies. */
  folder: string;
  /** Where the search for dotenv files begins. @defaultValue the working directory */
  cwd?: string | undefined;
  /** Told of each dotenv file that was read. */
  onFile?: ((path: string) => void) | undefined;
}

/**
 * Values of the secrets that an app's code makes, by their index in the manifest. Read by evaluating the built bundle
 * once more, at each deploy and run, so that no build holds them. Without such secrets nothing is evaluated.
 *
 * @throws NotFoundError for a dotenv file or variable that is missing, BuildError if the bundle cannot be loaded or
 * makes other secrets than when it was built.
 */
export async function readInlineSecrets({
  manifest,
  folder,
  cwd = process.cwd(),
  onFile,
}: InlineSecretsOptions): Promise<Record<string, SecretValues>> {
  const indexes = secretRefsOf(manifest).flatMap((ref) => (ref.type === 'inline' ? [ref.index] : []));
  if (indexes.length === 0) return {};
  const bundle = join(folder, manifest.bundle.path);
  await using evaluator = new EvaluatorProcess({ cwd, label: basename(bundle) });
  const answer = await evaluator.ask({ url: pathToFileURL(bundle).href, secrets: [...new Set(indexes)] });
  if ('error' in answer) throw toError(answer.error);
  const { secrets: values, files } = 'secrets' in answer ? answer : { secrets: {}, files: [] };
  for (const file of files) onFile?.(file);
  const missing = indexes.find((index) => !Object.hasOwn(values, index));
  if (missing === undefined) return values;
  throw new BuildError('the app makes fewer secrets here than where it was built', {
    hint: 'Build it again, or let it make the same secrets everywhere.',
  });
}

function toError({ isGantry, name, code, message, hint }: EvaluationError): Error {
  if (isGantry && isErrorCode(code)) return fromWireError({ name, code, message, hint });
  return new BuildError(`the app cannot be loaded to read its secrets: ${message}`, {
    hint: 'Its bundle loads while it is built: look for what is different here.',
  });
}
