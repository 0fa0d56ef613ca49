import { InvalidError, PRIVATE_ADDRESS_VARIABLE } from '@gantry/protocol';

import { containerHost } from './host.ts';

/**
 * The address at which containers of the same workspace and region reach this one, if the functions of both have the
 * option `privateNetwork`: an IPv6 address, or one of 127.0.0.0/8 where containers are plain processes. A program that
 * listens there, or at all addresses, is reached at any port. Each container has its own, and a new one has a new one: tell
 * it to others by a `Dict` or a `Queue`. Other programs find it in the variable `GANTRY_PRIVATE_ADDRESS`.
 *
 * @throws {@link InvalidError} outside of containers, and in those of a function without the option.
 *
 * @example
 * ```ts
 * const leader = app.function({ privateNetwork: true }, async () => {
 *   const address = await privateAddress();
 *   const server = createServer(answer).listen(8000, address);
 *   await addresses.put('leader', address);
 *   await once(server, 'close');
 * });
 * // In another container: connect({ host: await addresses.get('leader'), port: 8000 }).
 * ```
 */
export function privateAddress(): Promise<string> {
  return new Promise((resolve) => resolve(ownAddress()));
}

function ownAddress(): string {
  if (!containerHost()) {
    throw new InvalidError('privateAddress() was called outside of a container', {
      hint: 'Call it in a function or a class that runs on the platform.',
    });
  }
  const address = process.env[PRIVATE_ADDRESS_VARIABLE];
  if (address !== undefined) return address;
  throw new InvalidError('privateAddress() was called in a container without a private network', {
    hint: 'Give its function the option "privateNetwork: true".',
  });
}
