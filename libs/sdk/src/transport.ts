import type { ClientMessage, GantryError, ServerMessage } from '@gantry/protocol';

/**
 * Carries messages of one session.
 *
 * Invariants
 *   T1. A message sent while there is no connection is dropped: whoever sends keeps what must arrive and says
 *       it again when `onConnect` fires.
 *   T2. `onConnect` fires on every new connection, before any message of it.
 */
export interface Transport {
  /** Ends the id of every call made over this transport. */
  readonly sessionKey: string;
  /** Once, before anything is sent. */
  listen(listener: TransportListener): void;
  send(message: ClientMessage): void;
  /** While busy, the transport keeps itself connected and the process alive. */
  setBusy(busy: boolean): void;
  close(): void;
}

export interface TransportListener {
  onConnect(): void;
  onMessage(message: ServerMessage): void;
  /** No connection could be made, and nobody tries any more. */
  onFailure(error: GantryError): void;
}
