import { InvalidError } from './errors.ts';
import { isId } from './ids.ts';

const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Checks the name of a named object (app, environment, volume, …).
 *
 * @throws {@link InvalidError} if it is longer than 64 characters, holds anything but ASCII letters, digits,
 * `-`, `.` and `_`, or looks like an app id.
 */
export function assertName(kind: string, name: string): void {
  if (!NAME.test(name)) {
    throw new InvalidError(`the ${kind} name "${name}" is not valid`, {
      hint: 'Use 1 to 64 letters, digits, dashes, dots or underscores.',
    });
  }
  if (kind === 'app' && isId(name, 'ap')) {
    throw new InvalidError(`the app name "${name}" looks like an app id`, { hint: 'Choose another name.' });
  }
}
