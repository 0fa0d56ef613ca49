/** An IPv6 packet says in its head of 40 bytes how many follow. */
const HEAD_BYTES = 40;
const VERSION = 6;

/** Where the receiver is in a packet. */
export const RECEIVER_OFFSET = 24;
/** Where the sender is in a packet. */
export const SENDER_OFFSET = 8;

/** The packets that lie one after the other in these bytes, and what is left: the beginning of one, or what is none. */
export function splitPackets(bytes: Uint8Array): { packets: Uint8Array[]; rest: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const packets: Uint8Array[] = [];
  let at = 0;
  while (bytes.length - at >= HEAD_BYTES && view.getUint8(at) >> 4 === VERSION) {
    const end = at + HEAD_BYTES + view.getUint16(at + 4);
    if (end > bytes.length) break;
    packets.push(bytes.subarray(at, end));
    at = end;
  }
  return { packets, rest: bytes.subarray(at) };
}
