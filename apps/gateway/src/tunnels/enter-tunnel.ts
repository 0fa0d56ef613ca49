import type { Duplex } from 'node:stream';

import { ContainerError } from '@gantry/protocol';

import type { ContainerLink } from '../containers/container-link.ts';
import type { KnownTunnel } from './tunnel-directory.ts';

const HEAD_END = '\r\n\r\n';
const MAX_HEAD_BYTES = 1024;

/**
 * Connects to the port that a tunnel leads to.
 *
 * @throws ContainerError if nobody listens there.
 */
export async function enterTunnel(link: ContainerLink, { container, id }: KnownTunnel): Promise<Duplex> {
  const connection = await link.connect(container);
  connection.on('error', () => connection.destroy());
  try {
    connection.write(`CONNECT ${id}:1 HTTP/1.1\r\nhost: ${id}:1${HEAD_END}`);
    const status = await readHead(connection);
    if (!status.startsWith('HTTP/1.1 200 ')) {
      throw new ContainerError(`nobody listens at the port that the tunnel leads to (${status})`);
    }
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** The first line of the answer. What came behind its head is read next. */
async function readHead(connection: Duplex): Promise<string> {
  let head = Buffer.alloc(0);
  while (head.length < MAX_HEAD_BYTES) {
    const chunk = await nextChunk(connection);
    if (!chunk) break;
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(HEAD_END);
    if (end < 0) continue;
    connection.unshift(head.subarray(end + HEAD_END.length));
    return head.toString('latin1', 0, head.indexOf('\r\n'));
  }
  throw new ContainerError('the container broke off a connection');
}

function nextChunk(connection: Duplex): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const done = (chunk?: Buffer): void => {
      connection.off('readable', read);
      connection.off('end', done);
      connection.off('close', done);
      resolve(chunk);
    };
    const read = (): void => {
      const chunk = connection.read() as Buffer | null;
      if (chunk) done(chunk);
    };
    connection.on('readable', read);
    connection.once('end', done);
    connection.once('close', done);
    read();
  });
}
