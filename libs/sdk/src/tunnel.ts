import { InvalidError } from '@gantry/protocol';

import { containerHost, type ForwardedPort } from './host.ts';
import { checkKeys } from './option-checks.ts';

const HIGHEST_PORT = 65_535;
const HTTPS_PORT = 443;

export interface ForwardOptions {
  /** Plain TCP at a port of the gateway, too: {@link Tunnel.tcpSocket}. @defaultValue false */
  unencrypted?: boolean;
  /** Clients may agree with the gateway on HTTP/2, which the program at the port then speaks, without TLS. @defaultValue false */
  h2Enabled?: boolean;
}

/** A port of this container that the world reaches. Made by {@link forward}. */
export class Tunnel implements AsyncDisposable {
  readonly #forwarded: ForwardedPort;

  /** @internal */
  constructor(forwarded: ForwardedPort) {
    this.#forwarded = forwarded;
  }

  /** Its address for browsers, such as `https://t-4fz….example.com`. Who knows it gets in. */
  get url(): string {
    const [host, port] = this.tlsSocket;
    return `https://${host}${port === HTTPS_PORT ? '' : `:${port}`}`;
  }

  /** Host and port for TLS. */
  get tlsSocket(): [host: string, port: number] {
    return [this.#forwarded.host, this.#forwarded.port];
  }

  /**
   * Host and port for plain TCP.
   *
   * @throws {@link InvalidError} unless the tunnel was opened with `unencrypted`.
   */
  get tcpSocket(): [host: string, port: number] {
    const { tcp } = this.#forwarded;
    if (tcp) return [tcp.host, tcp.port];
    throw new InvalidError('this tunnel has no port for plain TCP', {
      hint: 'Open it with forward(port, { unencrypted: true }).',
    });
  }

  /** Nobody reaches the port by this tunnel any more; its connections are cut. Harmless to repeat. */
  close(): Promise<void> {
    return this.#forwarded.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Lets the world reach a port of this container: at a host name that nobody can guess, over TLS, which ends at the
 * gateway. From there bytes go to the program at the port as they are, whatever protocol it speaks, and past all that
 * web endpoints have: no limits of time, no tokens, no scaling. The tunnel ends with its scope, and with its container.
 *
 * @param port - The program may listen at 127.0.0.1, ::1 or all addresses, from before or later.
 * @throws {@link InvalidError} outside containers, for what is no port, and in containers without a network;
 * {@link AuthError} in code with `restrictAccess`; {@link ConnectionError} if no gateway runs.
 *
 * @example
 * ```ts
 * const server = createServer(site).listen(8000);
 * await using tunnel = await forward(8000);
 * console.log(tunnel.url); // https://t-4fz….example.com
 * await once(server, 'close');
 * ```
 */
export async function forward(port: number, options?: ForwardOptions): Promise<Tunnel>;
/** The same, for as long as `use` runs; resolves to what that returns. */
export async function forward<T>(
  port: number,
  options: ForwardOptions | undefined,
  use: (tunnel: Tunnel) => T,
): Promise<Awaited<T>>;
export async function forward<T>(
  port: number,
  options: ForwardOptions = {},
  use?: (tunnel: Tunnel) => T,
): Promise<Tunnel | Awaited<T>> {
  const host = containerHost();
  if (!host) {
    throw new InvalidError('forward() was called outside of a container', {
      hint: 'Call it in a function or a class that runs on the platform.',
    });
  }
  if (!Number.isInteger(port) || port < 1 || port > HIGHEST_PORT) {
    throw new InvalidError(`forward: the port must be from 1 to ${HIGHEST_PORT}, not ${String(port)}`);
  }
  checkKeys('forward', options, ['unencrypted', 'h2Enabled']);
  const { unencrypted = false, h2Enabled = false } = options;
  const tunnel = new Tunnel(await host.forward(port, { unencrypted, http2: h2Enabled }));
  if (!use) return tunnel;
  try {
    return await use(tunnel);
  } finally {
    await tunnel.close();
  }
}
