import { buffer } from 'node:stream/consumers';

import { InvalidError } from '@gantry/protocol';

export const BLOCK_BYTES = 512;

/** One member of a tar archive. Texts hold one character per byte, whatever their encoding is. */
export interface TarEntry {
  path: string;
  /** As in the header: `0` file, `1` hard link, `2` symbolic link, `3` and `4` devices, `5` folder, `6` pipe. */
  type: string;
  mode: number;
  uid: number;
  gid: number;
  sizeBytes: number;
  /** Seconds since 1970, as decimal text. */
  mtime: string;
  /** Target of a link. */
  linkPath: string;
}

/**
 * Reads a tar archive (ustar, with the pax and GNU ways to write what does not fit) member by member.
 *
 * @throws InvalidError if the archive is cut off, or has sparse files.
 */
export class TarReader {
  readonly #source: ByteSource;
  #unread = 0;

  constructor(archive: AsyncIterable<Uint8Array>) {
    this.#source = new ByteSource(archive);
  }

  /** The next member, or undefined at the end. What was not read of the content of the last one is skipped. */
  async next(): Promise<TarEntry | undefined> {
    for await (const _ of this.content());
    const overrides = new Map<string, string>();
    for (;;) {
      const header = await this.#source.take(BLOCK_BYTES, 'or-end');
      if (!header || header.every((byte) => byte === 0)) return undefined;
      const type = typeOf(header);
      if (!'xgLK'.includes(type)) return this.#entry(header, overrides);
      this.#unread = numberAt(header, 124, 12);
      const content = await buffer(this.content());
      // A global header speaks of the whole archive; nothing in it matters here.
      if (type !== 'g') addOverrides(overrides, type, content.toString('latin1'));
    }
  }

  /** The content of the member that {@link next} gave. */
  async *content(): AsyncGenerator<Uint8Array, void, undefined> {
    const padding = (BLOCK_BYTES - (this.#unread % BLOCK_BYTES)) % BLOCK_BYTES;
    const wasAny = this.#unread > 0;
    while (this.#unread > 0) {
      const chunk = await this.#source.some(this.#unread);
      this.#unread -= chunk.length;
      yield chunk;
    }
    if (wasAny && padding > 0) await this.#source.take(padding);
  }

  #entry(header: Buffer, overrides: ReadonlyMap<string, string>): TarEntry {
    if (typeOf(header) === 'S' || [...overrides.keys()].some((name) => name.startsWith('GNU.sparse'))) {
      throw new InvalidError('the archive has sparse files, which is not supported');
    }
    const prefix = textAt(header, 257, 6) === 'ustar' ? textAt(header, 345, 155) : '';
    const name = textAt(header, 0, 100);
    const number = (key: string, start: number, length: number): number =>
      overrides.has(key) ? Number(overrides.get(key)) : numberAt(header, start, length);
    const type = typeOf(header);
    const sizeBytes = number('size', 124, 12);
    if (!(sizeBytes >= 0)) throw new InvalidError('the archive has a member of no valid size');
    // Only files have content; some programs write the size of what a link leads to.
    this.#unread = type === '0' ? sizeBytes : 0;
    return {
      path: overrides.get('path') ?? (prefix ? `${prefix}/${name}` : name),
      type,
      mode: numberAt(header, 100, 8) & 0o7777,
      uid: number('uid', 108, 8),
      gid: number('gid', 116, 8),
      sizeBytes: this.#unread,
      mtime: overrides.get('mtime') ?? String(numberAt(header, 136, 12)),
      linkPath: overrides.get('linkpath') ?? textAt(header, 157, 100),
    };
  }
}

function typeOf(header: Buffer): string {
  const type = String.fromCharCode(header[156] ?? 0);
  // A contiguous file is a file, and so is one of the time before types.
  return type === '\0' || type === '7' ? '0' : type;
}

function addOverrides(overrides: Map<string, string>, type: string, content: string): void {
  if (type === 'L') overrides.set('path', content.replace(/\0.*$/s, ''));
  if (type === 'K') overrides.set('linkpath', content.replace(/\0.*$/s, ''));
  if (type !== 'x') return;
  let at = 0;
  while (at < content.length) {
    const space = content.indexOf(' ', at);
    const length = Number(content.slice(at, space));
    if (space === -1 || !(length > space - at)) throw new InvalidError('the archive has a broken pax header');
    const record = content.slice(space + 1, at + length - 1);
    const equals = record.indexOf('=');
    overrides.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
}

/** Octal text, or binary where the first bit is set (GNU, for what is too large for that). */
function numberAt(header: Buffer, start: number, length: number): number {
  if (((header[start] ?? 0) & 0x80) === 0) return parseInt(textAt(header, start, length).trim() || '0', 8);
  const bytes = header.subarray(start + 1, start + length);
  return bytes.reduce((value, byte) => value * 256 + byte, (header[start] ?? 0) & 0x7f);
}

function textAt(header: Buffer, start: number, length: number): string {
  const end = header.indexOf(0, start);
  return header.toString('latin1', start, end === -1 ? start + length : Math.min(end, start + length));
}

/** Cuts a stream of chunks into pieces of wanted sizes. */
class ByteSource {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** Exactly so many bytes; undefined if there are none left and that is allowed. */
  async take(count: number): Promise<Buffer>;
  async take(count: number, atEnd: 'or-end'): Promise<Buffer | undefined>;
  async take(count: number, atEnd?: 'or-end'): Promise<Buffer | undefined> {
    const chunks: Buffer[] = [];
    for (let missing = count; missing > 0;) {
      if (atEnd && missing === count && !(await this.#fill())) return undefined;
      const chunk = await this.some(missing);
      chunks.push(chunk);
      missing -= chunk.length;
    }
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  }

  /** At least one byte, and no more than so many. */
  async some(most: number): Promise<Buffer> {
    if (!(await this.#fill())) throw new InvalidError('the archive ends in the middle of a member');
    const taken = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(most);
    return taken;
  }

  async #fill(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#iterator.next();
      if (next.done) return false;
      this.#rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    return true;
  }
}
