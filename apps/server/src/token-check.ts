import { timingSafeEqual } from 'node:crypto';

import { AuthError } from '@gantry/protocol';

import { tokenDigest, type TokenStore } from './token-store.ts';

const SUBPROTOCOL_PREFIX = 'bearer.';

/** Checks presented tokens: that of the server's start, and those that were made since. */
export class TokenCheck {
  readonly #first: string;
  readonly #tokens: Pick<TokenStore, 'has'>;

  constructor(first: string, tokens: Pick<TokenStore, 'has'>) {
    this.#first = tokenDigest(first);
    this.#tokens = tokens;
  }

  /** @throws AuthError unless the header is `Bearer <token>` with a good token. */
  requireHeader(authorization: string | undefined): string {
    if (authorization === undefined) throw missing();
    const [scheme, token] = authorization.split(' ', 2);
    if (scheme?.toLowerCase() !== 'bearer' || token === undefined) throw missing();
    return this.requireDigest(tokenDigest(token));
  }

  /**
   * Returns the digest of the token, to be checked again while the connection lasts.
   *
   * @throws AuthError unless header or subprotocols of a WebSocket carry a good token.
   */
  requireUpgrade(authorization: string | undefined, subprotocols: string | undefined): string {
    const offered = (subprotocols ?? '').split(',').map((protocol) => protocol.trim());
    const bearer = offered.find((protocol) => protocol.startsWith(SUBPROTOCOL_PREFIX));
    if (bearer === undefined) return this.requireHeader(authorization);
    return this.requireDigest(tokenDigest(bearer.slice(SUBPROTOCOL_PREFIX.length)));
  }

  /** Whether the token with this digest is good now. */
  isGood(digest: string): boolean {
    // Digests have equal lengths, and whoever times a look for one learns nothing of the token.
    return timingSafeEqual(Buffer.from(digest), Buffer.from(this.#first)) || this.#tokens.has(digest);
  }

  /** @throws AuthError unless the token with this digest is good now. */
  requireDigest(digest: string): string {
    if (this.isGood(digest)) return digest;
    throw new AuthError('the token is not valid', {
      hint: 'Set GANTRY_TOKEN to a token of this platform, or run `gantry up` on this machine.',
    });
  }
}

function missing(): AuthError {
  return new AuthError('this request carries no token', {
    hint: 'Send "Authorization: Bearer <token>", or set GANTRY_TOKEN.',
  });
}
