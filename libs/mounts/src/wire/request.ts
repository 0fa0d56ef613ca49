// Requests of the kernel, as /dev/fuse gives them (include/uapi/linux/fuse.h). Numbers are in the order of the machine's
// bytes, which is little-endian wherever Node runs.

const HEADER_BYTES = 40;

/** A request, and what to answer it under. */
export interface FuseRequest {
  unique: number;
  /** What it is about. */
  node: number;
  call: FuseCall;
}

export type FuseCall =
  | { op: 'init'; major: number; minor: number; maxReadahead: number; flags: number }
  | { op: 'lookup'; name: Uint8Array }
  | { op: 'getattr' | 'readlink' | 'open' | 'opendir' | 'release' | 'statfs' | 'destroy' }
  /** Needs no answer. */
  | { op: 'forget' }
  | { op: 'read'; offset: number; sizeBytes: number }
  | { op: 'readdir'; offset: number; sizeBytes: number; withAttributes: boolean }
  | { op: 'interrupt'; unique: number }
  /** Would change something. */
  | { op: 'change' }
  | { op: 'unknown'; opcode: number };

const SIMPLE = new Map<number, FuseCall>([
  [2, { op: 'forget' }],
  [3, { op: 'getattr' }],
  [5, { op: 'readlink' }],
  [14, { op: 'open' }],
  [17, { op: 'statfs' }],
  [18, { op: 'release' }],
  [27, { op: 'opendir' }],
  [29, { op: 'release' }],
  [38, { op: 'destroy' }],
  [42, { op: 'forget' }],
]);
/** SETATTR, SYMLINK, MKNOD, MKDIR, UNLINK, RMDIR, RENAME, LINK, WRITE, CREATE, FALLOCATE, RENAME2, COPY_FILE_RANGE, TMPFILE. */
const CHANGES = new Set([4, 6, 8, 9, 10, 11, 12, 13, 16, 35, 43, 45, 47, 51]);

/** Reads one request. Undefined for bytes that are none. */
export function parseRequest(bytes: Buffer): FuseRequest | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== bytes.length) return undefined;
  const call = callOf(bytes.readUInt32LE(4), bytes.subarray(HEADER_BYTES));
  return call && { unique: readNumber(bytes, 8), node: readNumber(bytes, 16), call };
}

function callOf(opcode: number, body: Buffer): FuseCall | undefined {
  const simple = SIMPLE.get(opcode);
  if (simple) return simple;
  if (CHANGES.has(opcode)) return { op: 'change' };
  switch (opcode) {
    case 1: {
      const end = body.indexOf(0);
      return end < 0 ? undefined : { op: 'lookup', name: body.subarray(0, end) };
    }
    case 15:
      return body.length < 20 ? undefined : { op: 'read', ...rangeOf(body) };
    case 26:
      return initOf(body);
    case 28:
    case 44:
      return body.length < 20
        ? undefined
        : { op: 'readdir', ...rangeOf(body), withAttributes: opcode === 44 };
    case 36:
      return body.length < 8 ? undefined : { op: 'interrupt', unique: readNumber(body, 0) };
    default:
      return { op: 'unknown', opcode };
  }
}

function initOf(body: Buffer): FuseCall | undefined {
  if (body.length < 16) return undefined;
  return {
    op: 'init',
    major: body.readUInt32LE(0),
    minor: body.readUInt32LE(4),
    maxReadahead: body.readUInt32LE(8),
    flags: body.readUInt32LE(12),
  };
}

function rangeOf(body: Buffer): { offset: number; sizeBytes: number } {
  return { offset: readNumber(body, 8), sizeBytes: body.readUInt32LE(16) };
}

/** Counters, sizes and our own numbers: none comes near 2 ** 53. */
function readNumber(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}
