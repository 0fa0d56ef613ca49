import { once } from 'node:events';
import { createServer } from 'node:net';

import { GantryError } from '@gantry/protocol';

export interface PortWish {
  host: string;
  /** 0: any free port. */
  port: number;
  /** The flag that chooses it, for the message. */
  flag: string;
}

/**
 * Finds out which port a listener will get.
 *
 * @throws GantryError `CONFLICT` if the wanted port is in use, `PERMISSION_DENIED` if it is not ours to open.
 */
export async function choosePort({ host, port, flag }: PortWish): Promise<number> {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw portError({ host, port, flag }, cause as NodeJS.ErrnoException);
  }
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** True if something could listen there now. */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  return choosePort({ host, port, flag: '' }).then(
    () => true,
    () => false,
  );
}

function portError({ host, port, flag }: PortWish, cause: NodeJS.ErrnoException): GantryError {
  if (cause.code === 'EADDRINUSE') {
    return new GantryError('CONFLICT', `port ${port} is in use by another program`, {
      cause,
      hint: `Choose another port with ${flag}, or 0 for any free one.`,
    });
  }
  if (cause.code === 'EACCES') {
    return new GantryError('PERMISSION_DENIED', `this user may not listen on port ${port}`, {
      cause,
      hint: `Choose a port from 1024 up with ${flag}.`,
    });
  }
  return new GantryError('INVALID_ARGUMENT', `cannot listen on "${host}", port ${port}: ${cause.message}`, {
    cause,
  });
}
