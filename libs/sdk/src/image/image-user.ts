import type { HandleSource } from '../cls.ts';
import { FunctionTarget } from '../function-target.ts';
import type { ImageUser } from './image-lookup.ts';

/** A function or class of an app, as one of those that have an image. */
export function imageUserOf(source: HandleSource): ImageUser {
  return {
    // A getter: it may be named later.
    get name() {
      return source.name;
    },
    look: async (client) => {
      const target = new FunctionTarget({ ...source, platform: client?.platform, wholeClass: true });
      return (await target.refresh(await target.resolve())).lookup;
    },
  };
}
