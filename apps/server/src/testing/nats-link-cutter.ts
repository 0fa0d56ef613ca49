import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between a process and nats-server, and cuts them off from each other. */
export interface LinkCutter {
  /** What the process connects to. */
  readonly url: string;
  /** Ends all connections and refuses new ones, as if the machine were unplugged. */
  cut(): void;
  restore(): void;
  close(): Promise<void>;
}

export async function cutterFor(natsUrl: string): Promise<LinkCutter> {
  const target = new URL(natsUrl);
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(natsUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href.replace(/\/$/, ''),
    cut,
    restore: () => void (isCut = false),
    close: async () => {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
