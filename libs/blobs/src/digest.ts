import { createHash } from 'node:crypto';
import { ExecutionError, InvalidError } from '@gantry/protocol';

const DIGEST = /^sha256-[0-9a-f]{64}$/;

/** The digest under which a {@link BlobStore} keeps these bytes: `sha256-<64 hex digits>`. */
export function digestOf(bytes: Uint8Array): string {
  return new ContentHash().update(bytes).digest();
}

/** Computes a digest from chunks. */
export class ContentHash {
  readonly #hash = createHash('sha256');

  update(chunk: Uint8Array): this {
    this.#hash.update(chunk);
    return this;
  }

  /** The digest of everything seen; may be called once. */
  digest(): string {
    return `sha256-${this.#hash.digest('hex')}`;
  }
}

/**
 * Rejects anything but a well-formed digest. File names and object keys are made from digests, so this is also what
 * keeps a caller inside the store.
 */
export function requireDigest(digest: string): void {
  if (DIGEST.test(digest)) return;
  throw new InvalidError(`"${digest}" is not a blob digest`, {
    hint: 'A digest is "sha256-" and 64 lower-case hexadecimal digits.',
  });
}

/** Fails a write whose content is not what the caller announced. */
export function verifyWritten(expected: string, actual: string): void {
  if (actual === expected) return;
  throw new InvalidError(`the content of blob "${expected}" has the digest "${actual}"`, {
    hint: 'The upload was damaged or the digest is of something else: compute it again and resend.',
    details: { expected, actual },
  });
}

/** Fails a read whose content is not what was once stored. */
export function verifyRead(expected: string, actual: string): void {
  if (actual === expected) return;
  throw new ExecutionError(`blob "${expected}" is damaged: its stored content has the digest "${actual}"`, {
    hint: 'Store the blob again, for example by deploying the app again, and check the disk for errors.',
    details: { expected, actual },
  });
}

/** Passes chunks on and fails after the last one if they do not add up to the digest. */
export async function* verified(
  digest: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const hash = new ContentHash();
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  verifyRead(digest, hash.digest());
}
