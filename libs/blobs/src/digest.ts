import { createHash } from 'node:crypto';
import { type BlobName, ExecutionError, InvalidError, parseBlobName } from '@gantry/protocol';

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
 * Rejects anything but a well-formed name. Paths and object keys are made from names, so this is also what keeps a
 * caller inside the store.
 */
export function requireName(name: string): BlobName {
  const parsed = parseBlobName(name);
  if (parsed) return parsed;
  throw new InvalidError(`"${name}" is not a blob digest`, {
    hint: 'A digest is "sha256-" and 64 lower-case hexadecimal digits. The name of a value has "d<day>-" before it.',
  });
}

/** Where a blob lies in its store; parts are separated by slashes. */
export function pathOf(name: string): string {
  const { digest, day } = requireName(name);
  const hex = digest.slice('sha256-'.length);
  if (day !== undefined) return `${VALUES}/${day}/${hex.slice(0, 2)}/${digest}`;
  return `${hex.slice(0, 2)}/${hex.slice(2, 4)}/${digest}`;
}

/** What the paths of all values begin with. */
export const VALUES = 'values';

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
