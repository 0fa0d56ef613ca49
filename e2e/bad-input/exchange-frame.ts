import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { decodeFrame, newSessionKey } from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { WebSocket } from 'ws';

import type { Platform } from '../platform.ts';

/** The header that the control API asks for. */
export async function authorizationOf({ ready }: Platform): Promise<string> {
  return `Bearer ${(await readFile(join(ready.dataDir, 'token'), 'utf8')).trim()}`;
}

export interface SessionResult {
  messages: Record<string, unknown>[];
  closed: string | undefined;
}

/** Opens a session, sends one frame, and waits for an answer or the end. */
export async function exchangeFrame(
  platform: Platform,
  frame: (key: string) => Uint8Array | string,
): Promise<SessionResult> {
  const authorization = await authorizationOf(platform);
  const key = newSessionKey();
  const url = `${platform.ready.serverUrl.replace('http', 'ws')}/v1/session?key=${key}`;
  const socket = new WebSocket(url, { headers: { authorization } });
  const result: SessionResult = { messages: [], closed: undefined };
  socket.on('message', (data: Buffer) =>
    result.messages.push(...decodeFrame<Record<string, unknown>[]>(data)),
  );
  socket.on('close', (code, reason) => (result.closed = `${code} ${reason.toString()}`));
  socket.on('error', () => undefined);
  await once(socket, 'open');
  socket.send(frame(key));
  const isAnswered = () =>
    result.closed !== undefined ||
    result.messages.some(({ type }) => type === 'rejected' || type === 'answer' || type === 'output');
  await waitUntil(isAnswered, { timeoutMs: 20_000 });
  socket.terminate();
  return result;
}
