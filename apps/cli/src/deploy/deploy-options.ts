import { assertName, assertTag } from '@gantry/protocol';

import type { CommandOptions } from '../command.ts';

/**
 * How a deployment is to be called, checked before anything is built.
 *
 * @throws InvalidError for a name that no deployed app may have, and for a tag that is too long.
 */
export function deployOptions(options: CommandOptions): {
  name: string | undefined;
  tag: string | undefined;
} {
  const [name, tag] = [options.text('name'), options.text('tag')];
  if (name !== undefined) assertName('app', name);
  if (tag !== undefined) assertTag(tag);
  return { name, tag };
}
