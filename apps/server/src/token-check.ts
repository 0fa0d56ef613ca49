import { createHash, timingSafeEqual } from 'node:crypto';

import { AuthError } from '@gantry/protocol';

const SUBPROTOCOL_PREFIX = 'bearer.';

/** Compares presented tokens with the server's in constant time. */
export class TokenCheck {
  readonly #digest: Buffer;

  constructor(token: string) {
    this.#digest = digestOf(token);
  }

  /** @throws AuthError unless the header is `Bearer <token>` with the right token. */
  requireHeader(authorization: string | undefined): void {
    if (authorization === undefined) throw missing();
    const [scheme, token] = authorization.split(' ', 2);
    if (scheme?.toLowerCase() !== 'bearer' || token === undefined) throw missing();
    this.#require(token);
  }

  /** @throws AuthError unless header or subprotocols of a WebSocket carry the right token. */
  requireUpgrade(authorization: string | undefined, subprotocols: string | undefined): void {
    const offered = (subprotocols ?? '').split(',').map((protocol) => protocol.trim());
    const bearer = offered.find((protocol) => protocol.startsWith(SUBPROTOCOL_PREFIX));
    if (bearer === undefined) this.requireHeader(authorization);
    else this.#require(bearer.slice(SUBPROTOCOL_PREFIX.length));
  }

  #require(token: string): void {
    // Digests have equal lengths, whatever was presented.
    if (timingSafeEqual(digestOf(token), this.#digest)) return;
    throw new AuthError('the token is not valid', {
      hint: 'Set GANTRY_TOKEN to the token of this server, or run `gantry up` on this machine.',
    });
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function missing(): AuthError {
  return new AuthError('this request carries no token', {
    hint: 'Send "Authorization: Bearer <token>", or set GANTRY_TOKEN.',
  });
}
