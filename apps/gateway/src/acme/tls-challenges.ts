import type { Socket } from 'node:net';
import { createSecureContext, createServer, type SecureContext, type Server } from 'node:tls';

import type { Challenges } from './challenges.ts';

const PROTOCOL = 'acme-tls/1';
/** The protocol as clients list it in their first message: its length comes first. */
const LISTED = Buffer.from(`${String.fromCharCode(PROTOCOL.length)}${PROTOCOL}`, 'latin1');
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Answers an ACME authority that asks at the HTTPS port whose a host is (TLS-ALPN-01, RFC 8737): with a certificate that
 * says so, and nothing else. Such connections never get to the gateway's own TLS, which chooses certificates
 * before it knows the protocol.
 */
export class TlsChallenges {
  readonly #challenges: Pick<Challenges, 'hasTls' | 'answerFor'>;
  readonly #server: Server;

  constructor(challenges: Pick<Challenges, 'hasTls' | 'answerFor'>) {
    this.#challenges = challenges;
    this.#server = createServer(
      {
        ALPNProtocols: [PROTOCOL],
        handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        SNICallback: (host, done) => {
          this.#contextFor(host).then(
            (context) => done(null, context),
            (error: Error) => done(error),
          );
        },
      },
      // The handshake was all.
      (socket) => void socket.on('error', () => socket.destroy()).end(() => socket.destroy()),
    );
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  /** Takes a connection over, if its first bytes ask for a challenge while there are any. */
  take(socket: Socket, firstBytes: Buffer): boolean {
    if (!this.#challenges.hasTls || !firstBytes.includes(LISTED)) return false;
    this.#server.emit('connection', socket);
    return true;
  }

  async #contextFor(host: string): Promise<SecureContext> {
    const answer = this.#challenges.answerFor(host);
    if (answer === undefined) throw new Error(`no authority was asked for ${host}`);
    const { crypto } = await import('acme-client');
    const authorization = { identifier: { type: 'dns', value: host } };
    const [key, cert] = await crypto.createAlpnCertificate(
      authorization as Parameters<typeof crypto.createAlpnCertificate>[0],
      answer,
      await crypto.createPrivateEcdsaKey(),
    );
    return createSecureContext({ key, cert });
  }
}
