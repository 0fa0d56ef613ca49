import { InvalidError } from '@gantry/protocol';

/** The command line itself is wrong: an unknown command, a missing or bad flag. */
export class UsageError extends InvalidError {
  static override errorName = 'UsageError';
}
