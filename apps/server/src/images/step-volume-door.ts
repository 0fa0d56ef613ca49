import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

import { type StepVolumeReply, type StepVolumeRequest, toWireError } from '@gantry/protocol';

/** Where the code of a build step asks for commits of its volumes: a socket that its container sees. */
export class StepVolumeDoor implements AsyncDisposable {
  readonly path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(path: string, server: Server) {
    this.path = path;
    this.#server = server;
  }

  static async open(
    path: string,
    act: (request: StepVolumeRequest) => Promise<void>,
  ): Promise<StepVolumeDoor> {
    const server = createServer();
    const door = new StepVolumeDoor(path, server);
    server.on('connection', (socket) => door.#serve(socket, act));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    return door;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.path, { force: true });
  }

  #serve(socket: Socket, act: (request: StepVolumeRequest) => Promise<void>): void {
    this.#sockets.add(socket);
    // Whoever leaves hears no answer.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
    createInterface({ input: socket }).once('line', (line) => {
      void answer(line, act).then((reply) => socket.end(`${JSON.stringify(reply)}\n`));
    });
  }
}

async function answer(
  line: string,
  act: (request: StepVolumeRequest) => Promise<void>,
): Promise<StepVolumeReply> {
  try {
    await act(JSON.parse(line) as StepVolumeRequest);
    return {};
  } catch (error) {
    return { error: toWireError(error) };
  }
}
