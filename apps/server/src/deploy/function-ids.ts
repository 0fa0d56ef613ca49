import { createHash } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const PREFIX_CHARS = 3;
const TIME_CHARS = 8;
const HASH_CHARS = 14;

/**
 * The id of a function within its app: the app's time, then a hash of app and name. So it is the same for
 * every deploy of the app, without a table of ids.
 */
export function functionId(appId: string, name: string): string {
  const hash = createHash('sha256').update(`${appId}/${name}`).digest();
  const chars = Array.from(hash.subarray(0, HASH_CHARS), (byte) => ALPHABET[byte % ALPHABET.length]);
  return `fu-${appId.slice(PREFIX_CHARS, PREFIX_CHARS + TIME_CHARS)}${chars.join('')}`;
}
