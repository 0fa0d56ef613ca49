import { RECEIVER_OFFSET, SENDER_OFFSET, splitPackets } from '@gantry/containers';
import { type PrivateSubnet, privateSubnetAt } from '@gantry/protocol';

/** What containers of this worker sent, by the workers that it is for. What is for nobody of the network is left out. */
export function byReceiver(packets: readonly Uint8Array[], own: PrivateSubnet): Map<number, Uint8Array[]> {
  const sorted = new Map<number, Uint8Array[]>();
  for (const packet of packets) {
    const receiver = privateSubnetAt(packet, RECEIVER_OFFSET);
    if (receiver?.workspace !== own.workspace || receiver.worker === own.worker) continue;
    const others = sorted.get(receiver.worker);
    if (others) others.push(packet);
    else sorted.set(receiver.worker, [packet]);
  }
  return sorted;
}

/**
 * Of the bytes that a worker sent here, the packets that may go on: for a container of this one, from one of the sender's.
 */
export function allowedOf(bytes: Uint8Array, from: number, own: PrivateSubnet): Uint8Array[] {
  return splitPackets(bytes).packets.filter((packet) => {
    const [sender, receiver] = [SENDER_OFFSET, RECEIVER_OFFSET].map((at) => privateSubnetAt(packet, at));
    const isOfNetwork = sender?.workspace === own.workspace && receiver?.workspace === own.workspace;
    return isOfNetwork && sender.worker === from && from !== own.worker && receiver.worker === own.worker;
  });
}
