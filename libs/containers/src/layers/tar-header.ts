import { BLOCK_BYTES, type TarEntry } from './tar-reader.ts';

/** The headers of a member: the pax ones carry what does not fit into ustar's. Texts have one character per byte. */
export function tarHeader(entry: TarEntry, attributes: Readonly<Record<string, string>> = {}): Buffer {
  const records = {
    path: entry.path,
    ...(entry.linkPath && { linkpath: entry.linkPath }),
    uid: String(entry.uid),
    gid: String(entry.gid),
    mtime: entry.mtime,
    size: String(entry.sizeBytes),
    ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`SCHILY.xattr.${name}`, value])),
  };
  const pax = Buffer.from(Object.entries(records).map(paxRecord).join(''), 'latin1');
  return Buffer.concat([
    ustarHeader({ ...EMPTY, path: 'pax', type: 'x', sizeBytes: pax.length }),
    padded(pax),
    ustarHeader(entry),
  ]);
}

/** Zeros that fill the last block of a content of this size. */
export function paddingAfter(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

const EMPTY: TarEntry = {
  path: '',
  type: '0',
  mode: 0o644,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  mtime: '0',
  linkPath: '',
};
const MOST_OCTAL_SIZE = 0o77777777777;

function ustarHeader({ path, type, mode, sizeBytes }: TarEntry): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(path.slice(0, 99), 0, 'latin1');
  header.write(octal(mode, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(Math.min(sizeBytes, MOST_OCTAL_SIZE), 11), 124);
  header.write(octal(0, 11), 136);
  header.write(' '.repeat(8), 148);
  header.write(type, 156);
  header.write('ustar\u000000', 257, 'latin1');
  header.write(octal(0, 7), 329);
  header.write(octal(0, 7), 337);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return header;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** A record starts with its own length, digits included. */
function paxRecord([name, value]: [string, string]): string {
  const rest = ` ${name}=${value}\n`;
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, paddingAfter(content.length)]);
}
