import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, relative, resolve, sep } from 'node:path';

import { InvalidError } from '@gantry/protocol';

const BLOCK_BYTES = 512;
const EXECUTABLE = 0o111;

interface Entry {
  path: string;
  kind: 'file' | 'folder' | 'link' | 'other';
  sizeBytes: number;
  mode: number;
  target: string;
}

/**
 * Unpacks a tar archive (ustar, with the pax and GNU ways to write long names) into a folder.
 *
 * @throws {@link InvalidError} if the archive is cut off or an entry would land outside the folder.
 */
export async function untar(archive: AsyncIterable<Uint8Array>, folder: string): Promise<void> {
  const source = new ByteSource(archive);
  const made = new Set<string>();
  let overrides: Record<string, string> = {};
  for (;;) {
    const header = await source.take(BLOCK_BYTES, 'or-end');
    if (!header || header.every((byte) => byte === 0)) return;
    const sizeBytes = parseInt(textAt(header, 124, 12).trim() || '0', 8);
    const type = String.fromCharCode(header[156] ?? 0);
    if ('xgLK'.includes(type)) {
      const content = (await source.takePadded(sizeBytes)).toString('utf8');
      overrides = { ...overrides, ...overridesFrom(type, content) };
      continue;
    }
    const entry = toEntry(header, type, { sizeBytes, ...overrides });
    overrides = {};
    const content = await source.takePadded(entry.sizeBytes);
    await write(entry, content, { folder, made });
  }
}

function overridesFrom(type: string, content: string): Record<string, string> {
  if (type === 'L') return { path: content.replace(/\0.*$/s, '') };
  if (type === 'K') return { linkpath: content.replace(/\0.*$/s, '') };
  // A global header speaks of the whole archive; nothing in it matters here.
  if (type === 'g') return {};
  const records: Record<string, string> = {};
  let rest = Buffer.from(content);
  while (rest.length > 0) {
    const length = parseInt(rest.toString('utf8', 0, rest.indexOf(0x20)), 10);
    if (!(length > 0)) break;
    const record = rest.toString('utf8', rest.indexOf(0x20) + 1, length - 1);
    const equals = record.indexOf('=');
    records[record.slice(0, equals)] = record.slice(equals + 1);
    rest = rest.subarray(length);
  }
  return records;
}

function toEntry(
  header: Buffer,
  type: string,
  given: { sizeBytes: number } & Record<string, unknown>,
): Entry {
  const prefix = textAt(header, 257, 5) === 'ustar' ? textAt(header, 345, 155) : '';
  const name = textAt(header, 0, 100);
  const kinds: Record<string, Entry['kind']> = { '0': 'file', '\0': 'file', '5': 'folder', '2': 'link' };
  const size = given['size'];
  return {
    path: typeof given['path'] === 'string' ? given['path'] : prefix ? `${prefix}/${name}` : name,
    kind: kinds[type] ?? 'other',
    sizeBytes: typeof size === 'string' ? Number(size) : given.sizeBytes,
    mode: parseInt(textAt(header, 100, 8).trim() || '644', 8),
    target: typeof given['linkpath'] === 'string' ? given['linkpath'] : textAt(header, 157, 100),
  };
}

async function write(
  entry: Entry,
  content: Buffer,
  to: { folder: string; made: Set<string> },
): Promise<void> {
  if (entry.kind === 'other') return;
  const path = inside(to.folder, entry.path);
  const parent = entry.kind === 'folder' ? path : dirname(path);
  if (!to.made.has(parent)) {
    await mkdir(parent, { recursive: true });
    to.made.add(parent);
  }
  if (entry.kind === 'file')
    await writeFile(path, content, { mode: entry.mode & EXECUTABLE ? 0o755 : 0o644 });
  if (entry.kind === 'link') {
    inside(to.folder, join(dirname(entry.path), entry.target), entry.target);
    await symlink(entry.target, path);
  }
}

function inside(folder: string, path: string, shown = path): string {
  const full = resolve(folder, normalize(path));
  const way = relative(folder, full);
  if (isAbsolute(shown) || way === '..' || way.startsWith(`..${sep}`)) {
    throw new InvalidError(`the archive entry "${shown}" leads outside its folder`);
  }
  return full;
}

function textAt(header: Buffer, start: number, length: number): string {
  const end = header.indexOf(0, start);
  return header.toString('utf8', start, end === -1 ? start + length : Math.min(end, start + length));
}

/** Cuts a stream of chunks into pieces of wanted sizes. */
class ByteSource {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  async take(count: number, atEnd?: 'or-end'): Promise<Buffer> {
    const chunks: Buffer[] = [this.#rest];
    let have = this.#rest.length;
    while (have < count) {
      const next = await this.#iterator.next();
      if (next.done) {
        if (atEnd && have === 0) return Buffer.alloc(count);
        throw new InvalidError('the archive ends in the middle of an entry');
      }
      chunks.push(Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength));
      have += next.value.byteLength;
    }
    const all = chunks.length === 1 ? this.#rest : Buffer.concat(chunks);
    this.#rest = all.subarray(count);
    return all.subarray(0, count);
  }

  /** Content of an entry, without the padding to whole blocks behind it. */
  async takePadded(sizeBytes: number): Promise<Buffer> {
    const padded = Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
    return (await this.take(padded)).subarray(0, sizeBytes);
  }
}
