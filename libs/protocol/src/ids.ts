const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const TIME_CHARS = 8;
const RANDOM_CHARS = 14;
const SESSION_KEY_CHARS = 6;

/** Every kind of object that carries an id, by its visible prefix. */
export type IdPrefix =
  'ap' | 'fu' | 'fc' | 'in' | 'ta' | 'im' | 'vo' | 'st' | 'sb' | 'di' | 'qu' | 'wk' | 'se' | 'en';

/** A prefix and 22 base62 characters: 8 of time (milliseconds), 14 of randomness. Sorts by creation time. */
export type Id<TPrefix extends IdPrefix = IdPrefix> = `${TPrefix}-${string}`;

function randomChars(count: number): string {
  const bytes = new Uint8Array(count);
  let text = '';
  while (text.length < count) {
    crypto.getRandomValues(bytes);
    // 248 is the largest multiple of 62 below 256: bytes above it would favour the first characters.
    for (const byte of bytes) if (byte < 248 && text.length < count) text += ALPHABET[byte % 62];
  }
  return text;
}

const randomPool = { text: '', at: 0 };

// Drawing randomness in bulk: several ids are made for every remote call.
function pooledChars(count: number): string {
  if (randomPool.at + count > randomPool.text.length) {
    randomPool.text = randomChars(1024);
    randomPool.at = 0;
  }
  randomPool.at += count;
  return randomPool.text.slice(randomPool.at - count, randomPool.at);
}

/** An instant as the 8 characters with which ids of that time begin, after their prefix. */
export function timeChars(timeMs: number): string {
  let rest = timeMs;
  let text = '';
  for (let i = 0; i < TIME_CHARS; i++) {
    text = ALPHABET[rest % 62] + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

/**
 * Makes a new id.
 *
 * @example
 * ```ts
 * newId('ap'); // "ap-0VrkWq8b3Qx…"
 * ```
 */
export function newId<TPrefix extends IdPrefix>(prefix: TPrefix, timeMs = Date.now()): Id<TPrefix> {
  return `${prefix}-${timeChars(timeMs)}${pooledChars(RANDOM_CHARS)}`;
}

/** True for text of the shape `<prefix>-<22 base62 characters>`. */
export function isId<TPrefix extends IdPrefix>(text: string, prefix: TPrefix): text is Id<TPrefix> {
  return text.startsWith(`${prefix}-`) && /^[0-9A-Za-z]{22}$/.test(text.slice(prefix.length + 1));
}

/** When an id was made, in milliseconds since the epoch. */
export function idTimeMs(id: string): number {
  const start = id.indexOf('-') + 1;
  let timeMs = 0;
  for (const char of id.slice(start, start + TIME_CHARS)) timeMs = timeMs * 62 + ALPHABET.indexOf(char);
  return timeMs;
}

/** Names one client session inside the ids of its calls, so that a server subscribes once per session. */
export function newSessionKey(): string {
  return randomChars(SESSION_KEY_CHARS);
}

/** A call id ends with the key of the session that made it (see {@link callSessionKey}). */
export function newCallId(sessionKey: string, timeMs = Date.now()): Id<'fc'> {
  return `fc-${timeChars(timeMs)}${pooledChars(RANDOM_CHARS - SESSION_KEY_CHARS)}${sessionKey}`;
}

/** The session key at the end of a call id. */
export function callSessionKey(callId: string): string {
  return callId.slice(-SESSION_KEY_CHARS);
}
