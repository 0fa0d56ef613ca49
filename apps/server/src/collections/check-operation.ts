import {
  COLLECTION_LIMITS,
  type CollectionOperation,
  InvalidError,
  LIMITS,
  parseBlobName,
  type Payload,
  RequestSizeError,
} from '@gantry/protocol';

/** What one message may carry beside a value of the largest size. */
const REQUEST_BYTES = LIMITS.inlinePayloadBytes + 256 * 1024;

type Fields = Record<string, unknown>;

const TEXTS: Partial<Record<CollectionOperation['do'], string[]>> = {
  open: ['kind', 'environment', 'name'],
  openEphemeral: ['kind', 'environment'],
  list: ['kind', 'environment'],
  delete: ['kind', 'environment', 'name'],
  'dict.get': ['id', 'key'],
  'dict.has': ['id', 'key'],
  'dict.put': ['id'],
  'dict.update': ['id'],
  'dict.remove': ['id', 'key'],
  'dict.len': ['id'],
  'dict.clear': ['id'],
  'dict.page': ['id'],
  'dict.table': ['id', 'machine'],
  'queue.put': ['id', 'partition'],
  'queue.take': ['id', 'partition'],
  'queue.confirm': ['id', 'loan'],
  'queue.release': ['id', 'loan'],
  'queue.len': ['id'],
  'queue.clear': ['id'],
  'queue.peek': ['id', 'partition'],
};

/**
 * Checks the form of what a client asks for.
 *
 * @throws InvalidError, or RequestSizeError for a value above its limit.
 */
export function checkOperation(operation: CollectionOperation): void {
  const fields = operation as unknown as Fields;
  for (const name of TEXTS[operation.do] ?? refuse(`"${String(operation.do)}" is nothing to do with it`)) {
    if (typeof fields[name] !== 'string') refuse(`"${name}" is not text`);
  }
  checkKind(fields['kind']);
  switch (operation.do) {
    case 'dict.put':
      return checkValues([operation.value], COLLECTION_LIMITS.dictValueBytes, [operation.key]);
    case 'dict.update':
      if (!Array.isArray(operation.entries)) refuse('no entries');
      return checkValues(
        operation.entries.map(({ value }) => value),
        COLLECTION_LIMITS.dictValueBytes,
        operation.entries.map(({ key }) => key),
      );
    case 'queue.put':
      if (!Array.isArray(operation.values)) refuse('no values');
      checkTtl(operation.ttlMs);
      return checkValues(operation.values, COLLECTION_LIMITS.queueItemBytes, []);
    case 'queue.take':
    case 'queue.peek':
      if (!(operation.count > 0)) refuse('no such count');
  }
}

function checkKind(kind: unknown): void {
  if (kind !== undefined && kind !== 'dict' && kind !== 'queue') refuse('of no kind');
}

function checkTtl(ttlMs: unknown): void {
  const isGood = typeof ttlMs === 'number' && ttlMs > 0 && ttlMs <= COLLECTION_LIMITS.partitionTtlMs;
  if (!isGood) refuse('no such ttlMs');
}

function checkValues(values: Payload[], mostBytes: number, keys: { id: string; bytes: Uint8Array }[]): void {
  let inlineBytes = 0;
  for (const value of values) {
    const isInline = value instanceof Uint8Array;
    if (!isInline && parseBlobName(String(value?.blob))?.day === undefined) refuse('a value is no value');
    const sizeBytes = isInline ? value.length : Number(value.sizeBytes);
    if (!(sizeBytes <= mostBytes)) throw tooLarge(sizeBytes, mostBytes);
    if (isInline) inlineBytes += sizeBytes;
  }
  for (const key of keys) {
    if (typeof key?.id !== 'string' || !(key.bytes instanceof Uint8Array)) refuse('a key is no key');
    inlineBytes += key.id.length + key.bytes.length;
  }
  if (inlineBytes > REQUEST_BYTES) throw tooLarge(inlineBytes, REQUEST_BYTES);
}

function tooLarge(sizeBytes: number, limitBytes: number): RequestSizeError {
  return new RequestSizeError(`values of ${sizeBytes} bytes are above the limit of ${limitBytes} bytes`, {
    hint: 'Keep large data in a volume, and its path here.',
    details: { sizeBytes, limitBytes },
  });
}

function refuse(problem: string): never {
  throw new InvalidError(`what was asked of a dict or queue is not valid: ${problem}`, {
    hint: 'Client and server may be of different versions.',
  });
}
