import { createHash, randomBytes } from 'node:crypto';

import type { Registry } from '@gantry/messaging';
import {
  assertName,
  newId,
  NotFoundError,
  registryKeys,
  type NewProxyTokenReply,
  type ProxyTokenRecord,
  type ProxyTokenSummary,
} from '@gantry/protocol';

const SECRET_BYTES = 24;

/**
 * What opens protected web functions. Gateways follow the registry, so a token is good, and no longer good, within
 * moments.
 */
export class ProxyTokenStore {
  readonly #registry: Pick<Registry, 'get' | 'create' | 'delete' | 'list'>;

  constructor(registry: Pick<Registry, 'get' | 'create' | 'delete' | 'list'>) {
    this.#registry = registry;
  }

  /** Oldest first. */
  async list(): Promise<ProxyTokenSummary[]> {
    const entries = await this.#registry.list<ProxyTokenRecord>(registryKeys.allProxyTokens);
    return entries
      .map(({ value }) => toSummary(value))
      .sort((left, right) => left.createdAtMs - right.createdAtMs);
  }

  /** @throws InvalidError for a bad name. */
  async create(name: string): Promise<NewProxyTokenReply> {
    assertName('proxy token', name);
    const secret = `ws-${randomBytes(SECRET_BYTES).toString('base64url')}`;
    const digest = createHash('sha256').update(secret).digest('hex');
    const record: ProxyTokenRecord = { id: newId('wk'), name, digest, createdAtMs: Date.now() };
    await this.#registry.create(registryKeys.proxyToken(record.id), record);
    return { ...toSummary(record), secret };
  }

  /** @throws NotFoundError */
  async revoke(id: string): Promise<ProxyTokenSummary> {
    const isId = /^wk-[0-9A-Za-z]+$/.test(id);
    const key = registryKeys.proxyToken(id);
    const entry = isId ? await this.#registry.get<ProxyTokenRecord>(key) : undefined;
    if (!entry) {
      throw new NotFoundError(`there is no proxy token "${id}"`, {
        hint: 'List them by id: gantry proxy-token list',
      });
    }
    await this.#registry.delete(key);
    return toSummary(entry.value);
  }
}

function toSummary({ id, name, createdAtMs }: ProxyTokenRecord): ProxyTokenSummary {
  return { id, name, createdAtMs };
}
