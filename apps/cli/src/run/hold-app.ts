import type { Connection } from 'gantry/internal';

/** Keeps an ephemeral app alive through a session with the server until `close`. */
export async function holdApp(connection: Connection, appId: string): Promise<{ close(): Promise<void> }> {
  // Loaded on demand: only commands that run an app need a session.
  const { Client } = await import('gantry');
  const { serverUrl, token, environment } = connection;
  const client = new Client({ serverUrl, token, environment });
  client.holdApp(appId);
  return { close: () => client.close() };
}
