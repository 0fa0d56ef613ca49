import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { AuthError, type LentCredentials } from '@gantry/protocol';

/** Where a program asks for credentials, as often as it needs new ones. */
export interface CredentialPlace {
  url: string;
  /** What it sends as `Authorization`. */
  authorization: string;
  /** Nobody gets any there from now on. */
  close(): void;
}

interface Lender {
  authorization: Buffer;
  lend(): Promise<LentCredentials>;
}

/**
 * Lends credentials to programs of this machine that speak as containers at AWS do: they ask at
 * `AWS_CONTAINER_CREDENTIALS_FULL_URI`, and again before what they got runs out.
 */
export class CredentialEndpoint {
  readonly #lenders = new Map<string, Lender>();
  #server: Promise<Server> | undefined;

  async add(lend: Lender['lend']): Promise<CredentialPlace> {
    this.#server ??= listen((request, response) => void this.#answer(request, response));
    const { port } = (await this.#server).address() as AddressInfo;
    const path = `/${randomBytes(16).toString('hex')}`;
    const authorization = randomBytes(32).toString('base64url');
    this.#lenders.set(path, { authorization: Buffer.from(authorization), lend });
    const close = (): void => void this.#lenders.delete(path);
    return { url: `http://127.0.0.1:${port}${path}`, authorization, close };
  }

  async close(): Promise<void> {
    this.#lenders.clear();
    const server = await this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  }

  async #answer({ url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const lender = this.#lenders.get(url);
    const given = Buffer.from(headers.authorization ?? '');
    const isRight =
      lender?.authorization.length === given.length && timingSafeEqual(lender.authorization, given);
    if (!isRight) return void response.writeHead(403).end();
    try {
      const { accessKey, secretKey, sessionToken, expiresAtMs } = await lender.lend();
      const reply = {
        ...{ AccessKeyId: accessKey, SecretAccessKey: secretKey, Token: sessionToken },
        Expiration: new Date(expiresAtMs).toISOString(),
      };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      // Programs ask again after a 503.
      response.writeHead(error instanceof AuthError ? 403 : 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ code: 'NoCredentials', message }));
    }
  }
}

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return server.unref();
}
