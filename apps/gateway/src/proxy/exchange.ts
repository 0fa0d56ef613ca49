import type { IncomingMessage, ServerResponse } from 'node:http';

import type { LeavingConnection } from './upgrade.ts';

/** A request to answer. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** Path and query of the request. */
  target: string;
  /** Set for a handshake of WebSocket. */
  connection?: LeavingConnection | undefined;
  trace: RequestTrace;
}

/** What has become of a request. */
export interface RequestTrace {
  /** The container that it was sent to last. */
  containerId?: string;
  /** Set when its connection was taken over. */
  isUpgraded?: boolean;
}
