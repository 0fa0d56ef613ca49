import { InvalidError, type SecretRef } from '@gantry/protocol';

import { checkKeys, checkSecrets } from '../option-checks.ts';
import type { StepFields } from './draft-steps.ts';
import type { MicromambaInstallOptions, MicromambaOptions } from './image-options.ts';
import type { NewStep } from './image-steps.ts';
import {
  checkPackages,
  checkText,
  checkTexts,
  checkVersions,
  splitWords,
  STEP_KEYS,
  stepFields,
  type WordsThen,
} from './step-checks.ts';
import { checkReference } from './step-specs.ts';

export function micromambaBase(subject: string, options: MicromambaOptions): StepFields {
  checkKeys(subject, options, ['pythonVersion', 'image', 'secret', 'forceBuild']);
  checkVersions(subject, options, ['pythonVersion']);
  const { pythonVersion, image: reference, secret, forceBuild } = options;
  if (reference !== undefined) checkReference(subject, reference);
  if (secret !== undefined) checkSecrets(subject, [secret]);
  // It turns itself into what a manifest says of it.
  const credentials = secret && ({ kind: 'static', secret: secret as unknown as SecretRef } as const);
  return {
    type: 'micromamba',
    pythonVersion,
    reference,
    credentials,
    ...stepFields(subject, { forceBuild }),
  };
}

export function micromambaStep(
  subject: string,
  given: WordsThen<MicromambaInstallOptions>,
  { isDebian }: { isDebian: boolean },
): NewStep | false {
  const keys = [...STEP_KEYS, 'specFile', 'channels'];
  const { words: packages, options } = splitWords<MicromambaInstallOptions>(subject, given, keys);
  if (isDebian) {
    throw new InvalidError(`${subject}: Image.debianSlim has no micromamba`, {
      hint: 'Begin with Image.micromamba().',
    });
  }
  checkPackages(subject, packages);
  checkTexts(subject, options, ['specFile']);
  const { specFile: path, channels } = options;
  if (channels !== undefined && !Array.isArray(channels)) {
    throw new InvalidError(`${subject}: channels must be a list of names or addresses`);
  }
  for (const channel of channels ?? []) checkText(`${subject}: channels`, channel);
  if (packages.length === 0 && path === undefined) return false;
  // By its end micromamba knows what kind of file it is.
  const name = path
    ?.split(/[\\/]/)
    .at(-1)
    ?.replaceAll(/[^\w.+-]/g, '_');
  const spec: StepFields = {
    type: 'micromambaInstall',
    packages,
    ...(channels?.length ? { channels: [...channels] } : {}),
    ...(name === undefined ? {} : { specFile: { name } }),
    ...stepFields(subject, options),
  };
  if (path === undefined || name === undefined) return { spec };
  return { spec, local: { field: 'files', paths: [{ kind: 'file', path, name }] } };
}
