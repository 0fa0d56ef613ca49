import { createPrivateKey, generateKeyPair, type KeyObject, randomUUID, sign } from 'node:crypto';
import { promisify } from 'node:util';

import { type IdentityKey, type IdentityRecord, registryKeys } from '@gantry/protocol';

import type { KeyRing } from './key-ring.ts';
import type { SealingKeys } from './sealing-keys.ts';
import type { SecretRegistry } from './secret-registry.ts';

/** How long a token is valid, unless it is said otherwise. */
export const IDENTITY_TOKEN_MS = 48 * 3600 * 1000;
const KEY_SIGNS_MS = 90 * 24 * 3600 * 1000;
const KEY_BITS = 2048;

export interface IdentityKeysOptions {
  /** Milliseconds since the epoch. @defaultValue `Date.now` */
  now?: () => number;
  /** How long a token is valid. @defaultValue {@link IDENTITY_TOKEN_MS} */
  tokenMs?: number | undefined;
}

/** The keys with which a platform says who its containers are: RSA, kept sealed like secrets. */
export class IdentityKeys {
  readonly #registry: SecretRegistry;
  readonly #sealing: Pick<SealingKeys, 'require'>;
  readonly #now: () => number;
  readonly #tokenMs: number;
  #opened: { id: string; key: KeyObject } | undefined;

  constructor(
    registry: SecretRegistry,
    sealing: Pick<SealingKeys, 'require'>,
    { now = () => Date.now(), tokenMs = IDENTITY_TOKEN_MS }: IdentityKeysOptions = {},
  ) {
    this.#registry = registry;
    this.#sealing = sealing;
    this.#now = now;
    this.#tokenMs = tokenMs;
  }

  /**
   * Makes what is missing, at the start of a server: the first key, a new one after 90 days, and one in place of a
   * key that can no longer be opened. What an older key has sealed is sealed anew.
   */
  async prepare(issuer: string): Promise<void> {
    const ring = await this.#sealing.require();
    const known = await this.#registry.get<IdentityRecord>(registryKeys.identity);
    const record = { issuer, keys: await this.#renewed(known?.value.keys ?? [], ring) };
    const isDone = known
      ? await this.#registry.update(registryKeys.identity, record, known.revision)
      : await this.#registry.create(registryKeys.identity, record);
    // Another server was faster.
    if (!isDone) await this.prepare(issuer);
  }

  /**
   * Signs a token (a JWT, RS256) with these claims, and those of every token: issuer, audience, times and id.
   *
   * @returns undefined as long as no server has made a key.
   * @throws InternalFailure if this machine lacks the key that the signing key is sealed with.
   */
  async sign(claims: Readonly<Record<string, string>>): Promise<string | undefined> {
    const found = await this.#registry.get<IdentityRecord>(registryKeys.identity);
    const first = found?.value.keys[0];
    if (!found || !first) return undefined;
    const { issuer } = found.value;
    const seconds = Math.floor(this.#now() / 1000);
    const times = { iat: seconds, exp: seconds + Math.ceil(this.#tokenMs / 1000) };
    const payload = { iss: issuer, aud: new URL(issuer).host, ...times, jti: randomUUID(), ...claims };
    const text = `${encoded({ alg: 'RS256', typ: 'JWT', kid: first.id })}.${encoded(payload)}`;
    return `${text}.${sign('sha256', Buffer.from(text), await this.#open(first)).toString('base64url')}`;
  }

  async #open({ id, sealed }: IdentityKey): Promise<KeyObject> {
    if (this.#opened?.id === id) return this.#opened.key;
    const ring = await this.#sealing.require();
    const bytes = Buffer.from(ring.open(sealed, contextOf(id)));
    const key = createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' });
    this.#opened = { id, key };
    return key;
  }

  async #renewed(keys: readonly IdentityKey[], ring: KeyRing): Promise<IdentityKey[]> {
    const nowMs = this.#now();
    const kept = keys
      .filter(({ createdAtMs }) => nowMs - createdAtMs < KEY_SIGNS_MS + this.#tokenMs)
      .map((key) => ({ key, sealed: resealed(key, ring) }));
    const [first] = kept;
    const isGood = first?.sealed !== undefined && nowMs - first.key.createdAtMs < KEY_SIGNS_MS;
    const all = kept.map(({ key, sealed = key.sealed }) => ({ ...key, sealed }));
    return isGood ? all : [await newKey(nowMs, ring), ...all];
  }
}

async function newKey(createdAtMs: number, ring: KeyRing): Promise<IdentityKey> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: KEY_BITS });
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
  const id = randomUUID();
  const bytes = privateKey.export({ format: 'der', type: 'pkcs8' });
  return { id, createdAtMs, publicKey: { n, e }, sealed: ring.seal(bytes, contextOf(id)) };
}

/** Undefined for what this ring cannot open. */
function resealed({ id, sealed }: IdentityKey, ring: KeyRing): Uint8Array | undefined {
  try {
    return ring.seal(ring.open(sealed, contextOf(id)), contextOf(id));
  } catch {
    return undefined;
  }
}

function contextOf(id: string): string {
  return `identity ${id}`;
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
