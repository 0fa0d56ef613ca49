import { AuthError } from '@gantry/protocol';

import type { TokenCheck } from '../token-check.ts';
import { assertAllowed, assertSameOrigin, credentialsOf } from './browser-requests.ts';
import type { BrowserSessions } from './browser-sessions.ts';

/** Who a request is from: one who sent a token, or a browser that is signed in. */
export type Caller = 'token' | 'browser';

/** Lets requests of the API in. */
export class RequestCheck {
  readonly #token: TokenCheck;
  readonly #sessions: Pick<BrowserSessions, 'find'>;

  constructor(token: TokenCheck, sessions: Pick<BrowserSessions, 'find'>) {
    this.#token = token;
    this.#sessions = sessions;
  }

  /**
   * @throws AuthError for a request without a good token or session, GantryError `PERMISSION_DENIED` for a page of another
   * origin, and for what no browser may do.
   */
  async require({ method, headers }: Request, path: string): Promise<Caller> {
    const authorization = headers.get('authorization');
    const credentials = authorization === null ? credentialsOf(headers) : undefined;
    if (!credentials) {
      this.#token.requireHeader(authorization ?? undefined);
      return 'token';
    }
    assertSameOrigin(headers);
    const session = await this.#sessions.find(credentials);
    if (!session || !this.#token.isGood(session.tokenDigest)) {
      throw new AuthError('this browser is not signed in any more', { hint: 'Sign in again.' });
    }
    assertAllowed(method, path);
    return 'browser';
  }
}
