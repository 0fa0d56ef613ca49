// A tunnel makes a port of a container reachable from everywhere, by a gateway. Its worker reports it in the status of
// its container, so it is gone wherever the container is. On the way in, a gateway asks the container's HTTP socket to
// CONNECT to the tunnel's `id`; from then on the connection is a stream of bytes.

/** A tunnel, as the status of its container tells. */
export interface TunnelStatus {
  /** Which of its container's. */
  id: number;
  /** First label of its host name: nobody can guess it. */
  name: string;
  /** Clients that speak TLS may agree on HTTP/2. */
  http2: boolean;
  /** Port of the gateways for plain TCP, if it has one. */
  tcpPort?: number | undefined;
}

/** What a worker asks of a gateway for a tunnel that its container opens. */
export interface TunnelRequest extends ContainerAddress {
  tunnel: TunnelStatus;
  /** A port for plain TCP, too. */
  unencrypted: boolean;
}

/** Where clients reach a tunnel. */
export interface TunnelAddress {
  host: string;
  port: number;
  /** Plain TCP. */
  tcp?: { host: string; port: number } | undefined;
}

/** What leads to a container from any machine. */
export interface ContainerAddress {
  workerId: string;
  containerId: string;
  /** On the machine of its worker. */
  httpSocketPath: string;
}

// A connection between a gateway and a container of another machine goes through NATS, as messages with the bytes of
// each direction. The rules of programs in containers (E1 to E3) hold for it, too.

/** By `subjects.pipe`, in each direction. */
export type PipeMessage =
  | { type: 'data'; data: Uint8Array }
  /** No more data comes. */
  | { type: 'end' }
  /** How many bytes the receiver has taken in all. */
  | { type: 'taken'; bytes: number }
  | { type: 'alive' }
  /** The connection broke off, or is closed in both directions. */
  | { type: 'gone' };
