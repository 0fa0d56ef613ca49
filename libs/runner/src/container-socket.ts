import { rmSync } from 'node:fs';
import type { Server } from 'node:http';

const MAX_HEADER_BYTES = 64 * 1024;

/** The Unix socket at which gateways reach this container: one for its web endpoints and its tunnels. */
export class ContainerSocket {
  readonly #path: string;
  #server: Promise<Server> | undefined;

  /** A stale socket at the path is replaced. */
  constructor(path: string) {
    this.#path = path;
  }

  /** The server that listens on it, from the first call on. */
  server(): Promise<Server> {
    return (this.#server ??= listen(this.#path));
  }
}

async function listen(path: string): Promise<Server> {
  // Few containers need it. See {@link CompiledProgram} for why it is not imported.
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, noDelay: true });
  // The only clients are gateways, which keep their connections and guard against slow clients.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  rmSync(path, { force: true });
  return await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}
