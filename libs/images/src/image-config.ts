import type { ImageConfig } from '@gantry/protocol';

import type { ConfigChange } from './image-steps.ts';

/** What an image says about processes after one more step. */
export function applyConfig(config: ImageConfig, change: ConfigChange): ImageConfig {
  switch (change.type) {
    case 'env':
      return { ...config, env: { ...config.env, ...change.variables } };
    case 'workdir':
      return { ...config, workdir: resolvePath(config, change.path) };
    // A command belongs to the entrypoint that it was written for.
    case 'entrypoint':
      return { ...config, entrypoint: nonEmpty(change.words), cmd: undefined };
    case 'cmd':
      return { ...config, cmd: nonEmpty(change.words) };
    case 'shell':
      return { ...config, shell: nonEmpty(change.words) };
  }
}

function nonEmpty(words: readonly string[]): string[] | undefined {
  return words.length > 0 ? [...words] : undefined;
}

/** Where a path of the image leads: one that is not absolute begins in the working directory, `/root` by default. */
export function resolvePath({ workdir = '/root' }: ImageConfig, path: string): string {
  const parts = path.startsWith('/') ? [] : workdir.split('/');
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return `/${parts.filter((part) => part !== '').join('/')}`;
}
