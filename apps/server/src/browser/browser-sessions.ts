import { createHash, randomBytes } from 'node:crypto';

import type { Messaging } from '@gantry/messaging';
import {
  AuthError,
  type BrowserCodeRecord,
  type BrowserCodeReply,
  type BrowserSessionRecord,
  registryKeys,
} from '@gantry/protocol';

const SECRET_BYTES = 24;
const CODE_LASTS_MS = 2 * 60_000;
const SESSION_LASTS_MS = 12 * 3_600_000;

/** What a browser holds: the cookie, which scripts cannot read, and the key, which other sites cannot. */
export interface BrowserSecrets {
  cookie: string;
  key: string;
  expiresAtMs: number;
}

/**
 * Browsers that are signed in, and codes that sign one in. The registry has digests alone, so every server knows them and
 * whoever reads it can use none.
 */
export class BrowserSessions {
  readonly #registry: Messaging['registry'];

  constructor({ registry }: Pick<Messaging, 'registry'>) {
    this.#registry = registry;
  }

  /** A code that signs one browser in with the token of this digest, within two minutes. */
  async createCode(tokenDigest: string): Promise<BrowserCodeReply> {
    await this.#forgetExpired();
    const code = newSecret();
    const record: BrowserCodeRecord = { tokenDigest, expiresAtMs: Date.now() + CODE_LASTS_MS };
    await this.#registry.create(registryKeys.browserCode(digestOf(code)), record);
    return { code, expiresAtMs: record.expiresAtMs };
  }

  /**
   * Returns the digest of the token that a code stands for. Of all who use a code, one succeeds.
   *
   * @throws AuthError for a code that was used, is too old, or never was.
   */
  async redeem(code: string): Promise<string> {
    const key = registryKeys.browserCode(digestOf(code));
    const entry = await this.#registry.get<BrowserCodeRecord>(key);
    if (!entry || entry.value.usedBy !== undefined || entry.value.expiresAtMs <= Date.now()) throw usedUp();
    const used: BrowserCodeRecord = { ...entry.value, usedBy: newSecret() };
    if (!(await this.#registry.update(key, used, entry.revision))) throw usedUp();
    await this.#registry.delete(key);
    return entry.value.tokenDigest;
  }

  async open(tokenDigest: string): Promise<BrowserSecrets> {
    await this.#forgetExpired();
    const [cookie, key, expiresAtMs] = [newSecret(), newSecret(), Date.now() + SESSION_LASTS_MS];
    const record: BrowserSessionRecord = { tokenDigest, keyDigest: digestOf(key), expiresAtMs };
    await this.#registry.create(registryKeys.browserSession(digestOf(cookie)), record);
    return { cookie, key, expiresAtMs };
  }

  /** The session of a browser that shows both of its secrets; undefined if there is none, or it is over. */
  async find({ cookie, key }: { cookie: string; key: string }): Promise<BrowserSessionRecord | undefined> {
    const entry = await this.#registry.get<BrowserSessionRecord>(
      registryKeys.browserSession(digestOf(cookie)),
    );
    const isGood = entry && entry.value.keyDigest === digestOf(key) && entry.value.expiresAtMs > Date.now();
    return isGood ? entry.value : undefined;
  }

  /** Ends a session, on every server. */
  async close(cookie: string): Promise<void> {
    await this.#registry.delete(registryKeys.browserSession(digestOf(cookie)));
  }

  async #forgetExpired(): Promise<void> {
    const nowMs = Date.now();
    for (const pattern of [registryKeys.allBrowserCodes, registryKeys.allBrowserSessions]) {
      const kept = await this.#registry.list<{ expiresAtMs: number }>(pattern);
      const expired = kept.filter(({ value }) => value.expiresAtMs <= nowMs);
      await Promise.all(expired.map(({ key }) => this.#registry.delete(key)));
    }
  }
}

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function usedUp(): AuthError {
  return new AuthError('this link signs nobody in any more: it was used, or is older than two minutes', {
    hint: 'Make another one with `gantry dashboard`.',
  });
}
