/** Environment variable of a container with a private network: the address at which others of the network reach it. */
export const PRIVATE_ADDRESS_VARIABLE = 'GANTRY_PRIVATE_ADDRESS';

/** What plain processes have instead of an address of their own: the machine's own, 127.64.0.0/10, which ports share. */
const LOOPBACK_BITS = 22;

/** The address of 127.64.0.0/10 with this number, which is below 2 ** 22. */
export function loopbackAddress(number: number): string {
  const all = ((127 << 24) | (1 << LOOPBACK_BITS) | number) >>> 0;
  return [24, 16, 8, 0].map((bits) => (all >>> bits) & 255).join('.');
}

/** How many {@link loopbackAddress} has. */
export const LOOPBACK_ADDRESSES = 2 ** LOOPBACK_BITS;
