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

/** Headers and content of a file as tar blocks. The same file gives the same bytes on any machine. */
export function tarEntry(file: TarFile): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  const split = splitPath(file.path);
  if (!split) {
    const record = paxRecord('path', file.path);
    blocks.push(
      header({ name: 'PaxHeader', prefix: '', size: record.length, type: 'x', mode: 0o644 }),
      ...padded(record),
    );
  }
  const { name, prefix } = split ?? { name: file.path.slice(-100), prefix: '' };
  const mode = file.executable ? 0o755 : 0o644;
  blocks.push(header({ name, prefix, size: file.content.length, type: '0', mode }), ...padded(file.content));
  return blocks;
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
  block.write('ustar\0' + '00', 257);
  block.write(fields.prefix, 345, 155);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 7)} `, 148);
  return block;
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`;
}

function padded(content: Uint8Array): Uint8Array[] {
  const rest = content.length % BLOCK;
  return rest === 0 ? [content] : [content, new Uint8Array(BLOCK - rest)];
}
