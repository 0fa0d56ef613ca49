import { subscribe, unsubscribe } from './node-modules.ts';

/** Decides whether a WebSocket keeps the process alive. */
export interface SocketHold {
  setBusy(busy: boolean): void;
}

/** Waits for the TCP socket of one WebSocket. */
export interface SocketWatch {
  /** The hold, once the WebSocket is open; undefined where the runtime does not show its socket. */
  stop(): SocketHold | undefined;
}

interface SentHeaders {
  readonly request?: { readonly path?: string };
  readonly socket?: { ref(): unknown; unref(): unknown };
}

/**
 * Watches for the TCP socket of a WebSocket that is about to be made, known by a piece of its path. Node's
 * WebSocket has no `unref`, and an idle client must not keep a program alive; but Node's HTTP client
 * publishes on a diagnostics channel which socket a request, here the WebSocket's, goes out on. Where it does
 * not, the WebSocket simply keeps the process alive until the client is closed.
 */
export function watchSocket(pathPart: string): SocketWatch {
  let found: SentHeaders['socket'];
  const onSendHeaders = (message: unknown) => {
    const { request, socket } = message as SentHeaders;
    if (request?.path?.includes(pathPart)) found = socket;
  };
  subscribe('undici:client:sendHeaders', onSendHeaders);
  return {
    stop() {
      unsubscribe('undici:client:sendHeaders', onSendHeaders);
      const socket = found;
      return socket && { setBusy: (busy) => void (busy ? socket.ref() : socket.unref()) };
    },
  };
}
