import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

import { ExecutionError, InternalFailure, InvalidError } from '@gantry/protocol';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FORMAT = 1;
const HEADER_BYTES = 1 + ID_BYTES + NONCE_BYTES + TAG_BYTES;

interface Key {
  id: string;
  bytes: Buffer;
}

/**
 * Keys that seal and open values: the first one seals, all of them open.
 *
 * A sealed value is a byte 1, 8 bytes that name the key, 12 of nonce, 16 of tag, and the ciphertext of AES-256-GCM. Its
 * context, such as the name under which it is kept, is authenticated with it: moved elsewhere it does not open.
 */
export class KeyRing {
  readonly #first: Key;
  readonly #keys: readonly Key[];

  private constructor(first: Key, others: readonly Key[]) {
    this.#first = first;
    this.#keys = [first, ...others];
  }

  /**
   * Reads keys from text: 32 bytes each in base64, separated by white space.
   *
   * @throws {@link InvalidError} naming `source`, never what is in it.
   */
  static parse(text: string, source: string): KeyRing {
    const [first, ...others] = text
      .split(/\s+/)
      .filter((word) => word !== '')
      .map((word) => toKey(word, source));
    if (first) return new KeyRing(first, others);
    throw new InvalidError(`${source} holds no key`, { hint: KEY_HINT });
  }

  /** A new key, as {@link parse} reads it. */
  static newKey(): string {
    return randomBytes(KEY_BYTES).toString('base64');
  }

  /** Id of the key that seals. */
  get id(): string {
    return this.#first.id;
  }

  has(id: string): boolean {
    return this.#keys.some((key) => key.id === id);
  }

  seal(value: Uint8Array, context: string): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#first.bytes, nonce).setAAD(Buffer.from(context));
    const body = Buffer.concat([cipher.update(value), cipher.final()]);
    const id = Buffer.from(this.#first.id, 'hex');
    return Buffer.concat([Buffer.from([FORMAT]), id, nonce, cipher.getAuthTag(), body]);
  }

  /**
   * @throws {@link InternalFailure} without the key that it was sealed with, {@link ExecutionError} if it was changed or
   * belongs to another context.
   */
  open(sealed: Uint8Array, context: string): Uint8Array {
    const bytes = Buffer.from(sealed);
    if (bytes.length < HEADER_BYTES || bytes[0] !== FORMAT) throw damaged(context);
    const id = keyIdOf(bytes);
    const key = this.#keys.find((candidate) => candidate.id === id);
    if (!key) throw lacksKey(id);
    const nonce = bytes.subarray(1 + ID_BYTES, 1 + ID_BYTES + NONCE_BYTES);
    const tag = bytes.subarray(1 + ID_BYTES + NONCE_BYTES, HEADER_BYTES);
    const decipher = createDecipheriv(CIPHER, key.bytes, nonce).setAAD(Buffer.from(context)).setAuthTag(tag);
    try {
      return Buffer.concat([decipher.update(bytes.subarray(HEADER_BYTES)), decipher.final()]);
    } catch {
      throw damaged(context);
    }
  }
}

/** Id of the key that a value is sealed with. */
export function keyIdOf(sealed: Uint8Array): string {
  return Buffer.from(sealed.subarray(1, 1 + ID_BYTES)).toString('hex');
}

const KEY_HINT = 'Put 32 bytes of base64 there, such as `openssl rand -base64 32` prints.';

function toKey(word: string, source: string): Key {
  const bytes = Buffer.from(word, 'base64');
  if (bytes.length !== KEY_BYTES || !/^[A-Za-z0-9+/_-]+=*$/.test(word)) {
    throw new InvalidError(`${source} holds something that is no key`, { hint: KEY_HINT });
  }
  return {
    id: createHash('sha256')
      .update(bytes)
      .digest('hex')
      .slice(0, ID_BYTES * 2),
    bytes,
  };
}

/** @internal */
export function lacksKey(id: string): InternalFailure {
  return new InternalFailure(`this machine lacks the key "${id}" that secrets are sealed with`, {
    hint: 'Copy "secrets.key" from the data directory of a server that has it, or set GANTRY_SECRETS_KEY.',
  });
}

function damaged(context: string): ExecutionError {
  return new ExecutionError(`the stored values of ${context} are damaged`, {
    hint: 'Give the secret its values again, and deploy again what brought its own.',
  });
}
