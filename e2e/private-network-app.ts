import { once } from 'node:events';
import { createServer } from 'node:http';
import { isIPv6 } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { App, clustered, Dict, getClusterInfo, privateAddress } from 'gantry';

const app = new App('private-network');

const PORT = 8_000;
const addresses = Dict.fromName<string, string>('private-addresses', { createIfMissing: true });

/** Answers one request, and says where it waited for it. */
export const answer = app.function({ privateNetwork: true }, async (name: string) => {
  const address = await privateAddress();
  const server = createServer((_request, response) => response.end(`${name} is at ${address}`));
  await once(server.listen(PORT, address), 'listening');
  await addresses.put(name, address);
  await once(server, 'request');
  await new Promise((resolve) => server.close(resolve));
  return address;
});

/** Asks the others, whom it knows by name alone, once all of them wait: so none of them is in the container of another. */
export const ask = app.function({ privateNetwork: true }, async (names: string[]) => {
  const found = await Promise.all(names.map(addressOf));
  return { own: await privateAddress(), answers: await Promise.all(found.map(textOf)) };
});

/** Two containers of a gang, each of which asks the other one and answers it. */
export const pair = app.function(
  clustered({ size: 2 }, async () => {
    const { rank, addresses } = getClusterInfo();
    const server = createServer((_request, response) => response.end(`rank ${rank}`));
    const asked = once(server, 'request');
    server.listen(PORT, addresses[rank]);
    const said = await textOnceThere(addresses[1 - rank] ?? '');
    await asked;
    await new Promise((resolve) => server.close(resolve));
    return said;
  }),
);

/** What becomes of that without the option. */
export const outsider = app.function(async () =>
  privateAddress().then(String, (error: Error) => `${error.name}: ${error.message}`),
);

async function addressOf(name: string): Promise<string> {
  for (;;) {
    const address = await addresses.get(name);
    if (address !== undefined) return address;
    await delay(50);
  }
}

async function textOf(address: string): Promise<string> {
  const host = isIPv6(address) ? `[${address}]` : address;
  const response = await fetch(`http://${host}:${PORT}/`, { headers: { connection: 'close' } });
  return response.text();
}

async function textOnceThere(address: string): Promise<string> {
  for (;;) {
    try {
      return await textOf(address);
    } catch {
      // It does not listen yet.
      await delay(50);
    }
  }
}
