/** A request as the kernel writes it. */
export function requestBytes(opcode: number, body: Uint8Array, { unique = 2, node = 1 } = {}): Buffer {
  const head = Buffer.alloc(40);
  head.writeUInt32LE(head.length + body.length, 0);
  head.writeUInt32LE(opcode, 4);
  head.writeBigUInt64LE(BigInt(unique), 8);
  head.writeBigUInt64LE(BigInt(node), 16);
  return Buffer.concat([head, body]);
}

export function numbers(...values: (number | bigint)[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      const bytes = Buffer.alloc(typeof value === 'bigint' ? 8 : 4);
      if (typeof value === 'bigint') bytes.writeBigUInt64LE(value);
      else bytes.writeUInt32LE(value);
      return bytes;
    }),
  );
}
