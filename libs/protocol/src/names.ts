import { InvalidError } from './errors.ts';
import { isId } from './ids.ts';

/** Characters of a deployment's tag: it has a column of its own in the history. */
export const MOST_TAG_LENGTH = 50;

const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Checks the name of an app that is run: any printable text does. To be deployed it needs a name that
 * {@link assertName} accepts.
 *
 * @throws {@link InvalidError} if it is no text of 1 to 64 characters, holds control characters, or looks like
 * an app id.
 */
export function assertRunName(name: unknown): asserts name is string {
  if (typeof name !== 'string' || !isPrintable(name)) {
    throw new InvalidError(`the app name ${JSON.stringify(name) ?? String(name)} is not valid`, {
      hint: 'Use text of 1 to 64 printable characters, or leave the name out.',
    });
  }
  assertNoAppId(name);
}

/** V8 takes half a millisecond to learn what is printable, in every container: few names need that. */
function isPrintable(name: string): boolean {
  return /^[ -~]{1,64}$/.test(name) || /^\P{C}{1,64}$/u.test(name);
}

/**
 * Checks the name of a named object (app, environment, volume, …).
 *
 * @throws {@link InvalidError} if it is longer than 64 characters, holds anything but ASCII letters, digits,
 * `-`, `.` and `_`, or looks like an app id.
 */
export function assertName(kind: string, name: unknown): asserts name is string {
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw new InvalidError(`the ${kind} name ${JSON.stringify(name) ?? String(name)} is not valid`, {
      hint: 'Use 1 to 64 letters, digits, dashes, dots or underscores.',
    });
  }
  if (kind === 'app') assertNoAppId(name);
}

/**
 * Checks the note that a deployment carries in its history.
 *
 * @throws {@link InvalidError} if it has more than {@link MOST_TAG_LENGTH} characters.
 */
export function assertTag(tag: string): void {
  if (tag.length <= MOST_TAG_LENGTH) return;
  throw new InvalidError(`the tag has ${tag.length} characters, ${MOST_TAG_LENGTH} may be used`, {
    hint: 'Shorten it, such as to a version or the start of a commit.',
  });
}

function assertNoAppId(name: string): void {
  if (!isId(name, 'ap')) return;
  throw new InvalidError(`the app name "${name}" looks like an app id`, { hint: 'Choose another name.' });
}
