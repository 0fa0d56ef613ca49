/** A file to put into an archive. */
export interface TarFile {
  /** Path inside the archive, with slashes. */
  path: string;
  executable: boolean;
  content: Uint8Array;
}

const BLOCK = 512;

// npm stamps its archives with this date too; some tools refuse 1970.
const FIXED_MTIME_SECONDS = 499_162_500;

/** What stands in the headers of a file or link. */
export interface TarHeader {
  path: string;
  executable: boolean;
  sizeBytes: number;
  /** For a symbolic link, where it leads; it has no content. */
  linkTarget?: string | undefined;
}

/** Headers and content of a file as tar blocks. The same file gives the same bytes on any machine. */
export function tarEntry({ path, executable, content }: TarFile): Uint8Array[] {
  const sizeBytes = content.length;
  return [...tarHeader({ path, executable, sizeBytes }), content, tarPadding(sizeBytes)];
}

/** The blocks before the content of a file, and all blocks of a link. */
export function tarHeader({ path, executable, sizeBytes, linkTarget = '' }: TarHeader): Uint8Array[] {
  const split = splitPath(path);
  const isLongLink = Buffer.byteLength(linkTarget) > 100;
  const records = [
    ...(split ? [] : [paxRecord('path', path)]),
    ...(isLongLink ? [paxRecord('linkpath', linkTarget)] : []),
  ];
  const { name, prefix } = split ?? { name: path.slice(-100), prefix: '' };
  const [type, mode] = linkTarget === '' ? ['0', executable ? 0o755 : 0o644] : ['2', 0o777];
  const link = isLongLink ? '' : linkTarget;
  return [...extended(records), header({ name, prefix, size: sizeBytes, type, mode, link })];
}

/** What fills the last block of a file's content. */
export function tarPadding(sizeBytes: number): Uint8Array {
  const rest = sizeBytes % BLOCK;
  return new Uint8Array(rest === 0 ? 0 : BLOCK - rest);
}

/** The two empty blocks that end an archive. */
export function tarEnd(): Uint8Array {
  return new Uint8Array(2 * BLOCK);
}

function splitPath(path: string): { name: string; prefix: string } | undefined {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: '' };
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    const prefix = path.slice(0, at);
    const name = path.slice(at + 1);
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100 && name !== '')
      return { name, prefix };
  }
  return undefined;
}

function extended(records: readonly Uint8Array[]): Uint8Array[] {
  if (records.length === 0) return [];
  const content = Buffer.concat(records);
  const fields = { name: 'PaxHeader', prefix: '', size: content.length, type: 'x', mode: 0o644, link: '' };
  return [header(fields), content, tarPadding(content.length)];
}

function paxRecord(key: string, value: string): Uint8Array {
  const body = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(body);
  // The record's own length counts its digits.
  while (Buffer.byteLength(`${length}${body}`) !== length) length = Buffer.byteLength(`${length}${body}`);
  return Buffer.from(`${length}${body}`);
}

function header(fields: {
  name: string;
  prefix: string;
  size: number;
  type: string;
  mode: number;
  link: string;
}): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  block.write(fields.name, 0, 100);
  block.write(octal(fields.mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(fields.size, 12), 124);
  block.write(octal(FIXED_MTIME_SECONDS, 12), 136);
  block.write('        ', 148);
  block.write(fields.type, 156);
  block.write(fields.link, 157, 100);
  block.write('ustar\0' + '00', 257);
  block.write(fields.prefix, 345, 155);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 7)} `, 148);
  return block;
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`;
}
