import { AuthError } from '@gantry/protocol';

/** What code gets that may use no object of the platform. */
export function restricted(): AuthError {
  return new AuthError('the option "restrictAccess" keeps this code from using objects of the platform', {
    hint: 'Pass it what it needs as arguments, or deploy it without the option.',
  });
}
