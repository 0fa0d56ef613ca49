import { read, writev, writevSync } from 'node:fs';

import type { VersionServer } from './version-server.ts';
import { parseRequest } from './wire/request.ts';

/** More than the longest request: the kernel insists on room for the largest write, and takes none. */
const REQUEST_BYTES = 16 * 1024;
/** Below it, an answer is written at once; above, another thread copies it. */
const LARGE_BYTES = 64 * 1024;

/**
 * Passes the kernel's requests to a server and its answers back, until nobody uses the file system any more.
 *
 * @param device Descriptor of `/dev/fuse`; stays open.
 */
export async function serveDevice(device: number, server: VersionServer): Promise<void> {
  const bytes = Buffer.allocUnsafeSlow(REQUEST_BYTES);
  for (;;) {
    const length = await nextRequest(device, bytes);
    if (length === undefined) return;
    const request = parseRequest(bytes.subarray(0, length));
    if (!request) continue;
    // A name that is looked up is read before the next request overwrites it.
    void server.answer(request, (reply, sent) => send(device, reply, sent));
  }
}

/** Undefined when the file system is gone. */
function nextRequest(device: number, bytes: Buffer): Promise<number | undefined> {
  return new Promise((resolve) => {
    const attempt = (): void =>
      read(device, bytes, 0, bytes.length, null, (error, length) => {
        // A request can be taken back while it is read.
        if (error && ['EINTR', 'EAGAIN', 'ENOENT'].includes(error.code ?? '')) return attempt();
        resolve(error ? undefined : length);
      });
    attempt();
  });
}

function send(device: number, reply: readonly Uint8Array[], sent: () => void): void {
  const sizeBytes = reply.reduce((sum, { length }) => sum + length, 0);
  // Nobody waits for the answer to a request that was taken back, or of a file system that is gone.
  if (sizeBytes > LARGE_BYTES) return writev(device, reply, null, () => sent());
  try {
    writevSync(device, reply);
  } catch {
    return;
  } finally {
    sent();
  }
}
