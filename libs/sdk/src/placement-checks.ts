import { formatGpu, InvalidError, parseGpuConfig } from '@gantry/protocol';

import type { ResourceOptions } from './options.ts';

const LABEL = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const FLAGS = ['nonpreemptible', 'blockNetwork', 'privateNetwork', 'restrictAccess'] as const;

/** Options that say where containers run, and what they may reach there. */
export const PLACEMENT_KEYS = ['gpu', 'region', 'cloud', ...FLAGS] as const;

/** @throws {@link InvalidError} on what no machine can be, whatever machines there are. */
export function checkPlacement(subject: string, options: ResourceOptions): void {
  gpuWishes(subject, options.gpu);
  for (const region of listOf(`${subject}: region`, options.region)) checkLabel(`${subject}: region`, region);
  if (options.cloud !== undefined) checkLabel(`${subject}: cloud`, options.cloud);
  for (const key of FLAGS) {
    if (options[key] === undefined || typeof options[key] === 'boolean') continue;
    throw new InvalidError(`${subject}: ${key} must be true or false`);
  }
}

/**
 * What an option says of GPUs, in the form of manifests, in order of preference.
 *
 * @throws {@link InvalidError} on what no machine can have, and on an empty list.
 */
export function gpuWishes(subject: string, gpu: unknown): string[] {
  return listOf(`${subject}: gpu`, gpu).map((wish) => readGpu(subject, wish));
}

function readGpu(subject: string, gpu: unknown): string {
  try {
    return formatGpu(parseGpuConfig(gpu as string));
  } catch (cause) {
    const { message, hint } = cause as InvalidError;
    throw new InvalidError(`${subject}: gpu: ${message}`, { hint, cause });
  }
}

function checkLabel(subject: string, label: unknown): void {
  if (typeof label === 'string' && LABEL.test(label)) return;
  throw new InvalidError(`${subject}: ${JSON.stringify(label) ?? String(label)} is no label of workers`, {
    hint: 'Use up to 64 letters, digits, dashes, dots and underscores, such as "us-east".',
  });
}

function listOf(subject: string, value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [value];
  if (value.length > 0) return value as unknown[];
  throw new InvalidError(`${subject} must not be an empty list`, { hint: 'Leave the option out.' });
}
