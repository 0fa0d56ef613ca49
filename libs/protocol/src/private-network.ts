import { InternalFailure } from './errors.ts';

/** Environment variable of a container with a private network: the address at which others of the network reach it. */
export const PRIVATE_ADDRESS_VARIABLE = 'GANTRY_PRIVATE_ADDRESS';
/** What an isolated container calls its own address. */
export const PRIVATE_HOST_NAME = 'private.gantry.internal';

/** What plain processes have instead of an address of their own: the machine's own, 127.64.0.0/10, which ports share. */
const LOOPBACK_BITS = 22;

/** The address of 127.64.0.0/10 with this number, which is below 2 ** 22. */
export function loopbackAddress(number: number): string {
  const all = ((127 << 24) | (1 << LOOPBACK_BITS) | number) >>> 0;
  return [24, 16, 8, 0].map((bits) => (all >>> bits) & 255).join('.');
}

/** How many {@link loopbackAddress} has. */
export const LOOPBACK_ADDRESSES = 2 ** LOOPBACK_BITS;

/*
 * Addresses of isolated containers: `fdaa`, 32 bits of the workspace, 32 bits of the worker, by which others know where to
 * send, and 48 bits of the container. All of a workspace are in its /48, those of a worker in a /80 of that.
 */

const FIRST_BYTES = [0xfd, 0xaa];
const ADDRESS_BYTES = 16;
/** Of its container, at the end of an address. */
export const PRIVATE_CONTAINER_BYTES = 6;

/** The addresses of one worker. */
export interface PrivateSubnet {
  /** Of the workspace, 32 bits. */
  workspace: number;
  /** Of the worker, 32 bits. */
  worker: number;
}

/** The address of a container, of which there are {@link PRIVATE_CONTAINER_BYTES}. */
export function privateAddressIn({ workspace, worker }: PrivateSubnet, container: Uint8Array): string {
  const bytes = new Uint8Array(ADDRESS_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(FIRST_BYTES);
  view.setUint32(2, workspace);
  view.setUint32(6, worker);
  bytes.set(container, 10);
  return Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2).toString(16)).join(':');
}

/**
 * The 16 bytes of an address that {@link privateAddressIn} made.
 *
 * @throws {@link InternalFailure} for any other text.
 */
export function privateAddressBytes(address: string): Uint8Array {
  const bytes = new Uint8Array(ADDRESS_BYTES);
  const groups = address.split(':');
  if (groups.length !== 8 || !groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) {
    throw new InternalFailure(`"${address}" is no address of a private network`);
  }
  groups.forEach((group, index) => new DataView(bytes.buffer).setUint16(index * 2, parseInt(group, 16)));
  return bytes;
}

/** Whose an address is, read from 16 bytes at `offset`; undefined if it is of no private network. */
export function privateSubnetAt(bytes: Uint8Array, offset: number): PrivateSubnet | undefined {
  if (FIRST_BYTES.some((byte, index) => bytes[offset + index] !== byte)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, ADDRESS_BYTES);
  return { workspace: view.getUint32(2), worker: view.getUint32(6) };
}

/** What all addresses of a workspace have in common, kept for good. */
export interface PrivateNetworkRecord {
  /** 32 random bits. */
  workspace: number;
}

/** Packets of containers of one worker for those of another one. */
export interface PrivatePacketsMessage {
  /** The worker that sends them, by its number in addresses. */
  from: number;
  /** IPv6, one after the other. */
  packets: Uint8Array;
}
