import { once } from 'node:events';
import { connect } from 'node:net';

import { BytePipe, type Messaging } from '@gantry/messaging';
import { ContainerError, joinStreams } from '@gantry/protocol';

/**
 * Connects a gateway of another machine to a container's HTTP socket.
 *
 * @throws ContainerError if nobody listens there.
 */
export async function connectGateway(
  messaging: Pick<Messaging, 'publish' | 'subscribe'>,
  { pipeId, socketPath }: { pipeId: string; socketPath: string },
): Promise<void> {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  try {
    await once(socket, 'connect');
  } catch (cause) {
    throw new ContainerError('the container does not listen', { cause });
  }
  joinStreams(new BytePipe({ messaging, pipeId, side: 'worker' }), socket);
}
