import { createHash, randomBytes } from 'node:crypto';

import type { Messaging } from '@gantry/messaging';
import {
  assertName,
  GantryError,
  type NewTokenReply,
  NotFoundError,
  registryKeys,
  type TokenRecord,
  type TokenSummary,
} from '@gantry/protocol';

const TOKEN_BYTES = 24;

/**
 * Tokens beside the one that the platform was started with, by name.
 *
 * Kept as digests; every server follows them, so a token is good everywhere, and no longer good, within moments.
 */
export class TokenStore {
  readonly #registry: Messaging['registry'];
  readonly #records = new Map<string, TokenRecord>();
  readonly #digests = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #watch: { stop(): void } | undefined;

  private constructor(registry: Messaging['registry']) {
    this.#registry = registry;
  }

  /** Resolves when it knows every token. */
  static async open({ registry }: Pick<Messaging, 'registry'>): Promise<TokenStore> {
    const store = new TokenStore(registry);
    store.#watch = await registry.watch<TokenRecord>(registryKeys.allTokens, ({ key, value }) => {
      if (value) store.#records.set(key, value);
      else store.#records.delete(key);
      store.#index();
    });
    return store;
  }

  /** Whether a token with this digest (see {@link tokenDigest}) is good now. */
  has(digest: string): boolean {
    return this.#digests.has(digest);
  }

  /** By name. */
  list(): TokenSummary[] {
    return [...this.#records.values()]
      .map(toSummary)
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /** @throws InvalidError for a bad name, GantryError (CONFLICT) if there is a token of this name. */
  async create(name: string): Promise<NewTokenReply> {
    assertName('token', name);
    const token = `gt-${randomBytes(TOKEN_BYTES).toString('base64url')}`;
    const record: TokenRecord = { name, digest: tokenDigest(token), createdAtMs: Date.now() };
    if (!(await this.#registry.create(registryKeys.token(name), record))) {
      throw new GantryError('CONFLICT', `there is a token "${name}" already`, {
        hint: `Choose another name, or revoke it: gantry token revoke ${name}`,
      });
    }
    return { ...toSummary(record), token };
  }

  /** @throws NotFoundError */
  async revoke(name: string): Promise<TokenSummary> {
    const key = registryKeys.token(name);
    const entry = await this.#registry.get<TokenRecord>(key);
    if (!entry) {
      throw new NotFoundError(`there is no token "${name}"`, { hint: 'List them: gantry token list' });
    }
    await this.#registry.delete(key);
    return toSummary(entry.value);
  }

  /** Calls `listener` after each change. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  close(): void {
    this.#watch?.stop();
    this.#listeners.clear();
  }

  #index(): void {
    this.#digests.clear();
    for (const { digest } of this.#records.values()) this.#digests.add(digest);
    for (const listener of this.#listeners) listener();
  }
}

/** SHA-256 of a token, in hex digits. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function toSummary({ name, createdAtMs }: TokenRecord): TokenSummary {
  return { name, createdAtMs };
}
