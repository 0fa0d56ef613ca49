import type { BuildStep } from '@gantry/protocol';

import { STEP_FILES } from './image-steps.ts';
import { quote } from './shell-words.ts';

type MicromambaInstallStep = Extract<BuildStep, { type: 'micromambaInstall' }>;

/** What images with micromamba begin with. Another version is another base: it changes only with a release of the builder. */
export const MICROMAMBA_IMAGE = 'docker.io/mambaorg/micromamba:2.3.3';

/** What its scripts make of it: with the first, commands see what is installed. */
export const MICROMAMBA_ENV = { MAMBA_DOCKERFILE_ACTIVATE: '1', MAMBA_ROOT_PREFIX: '/opt/conda' };

const USUAL_CHANNEL = 'conda-forge';

/** Packages of conda, in the environment that the image starts with. */
export function micromambaCommands({ packages, channels, specFile }: MicromambaInstallStep): string[] {
  // A file may say its own.
  const from = channels ?? (specFile ? [] : [USUAL_CHANNEL]);
  const words = [
    'micromamba install --yes --name "${ENV_NAME:-base}"',
    ...from.map((channel) => `--channel ${quote(channel)}`),
    ...(specFile ? [`--file ${quote(`${STEP_FILES}/${specFile.name}`)}`] : []),
    ...packages.map(quote),
  ];
  const none = 'the image has no micromamba: begin with Image.micromamba()';
  return [
    `command -v micromamba > /dev/null || { echo ${quote(none)} >&2; exit 1; }; ${words.join(' ')} && micromamba clean --all --yes`,
  ];
}
