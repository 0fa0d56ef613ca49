import { lookup } from 'node:dns/promises';

import type { Check } from './checks.ts';

/**
 * Whether programs of this machine find endpoints by their names. Browsers and curl know that what ends in `.localhost` is
 * this machine (RFC 6761, 6.3); what asks the system, such as Node's `fetch`, needs a system that knows it, too.
 */
export async function checkNames(
  gatewayUrl: string | undefined,
  resolve: (name: string) => Promise<unknown> = lookup,
): Promise<Check[]> {
  const name = 'names';
  const { hostname } = new URL(gatewayUrl ?? 'https://localhost');
  if (!hostname.endsWith('.localhost')) return [];
  try {
    await resolve(`doctor.${hostname}`);
    return [{ name, status: 'ok', detail: `endpoints are found below ${hostname}` }];
  } catch {
    const detail = `this system does not find names below ${hostname}: browsers and curl do, Node's fetch does not`;
    const hint =
      'On Debian: apt-get install libnss-myhostname. Elsewhere add endpoints to /etc/hosts, or use a domain of your own.';
    return [{ name, status: 'warn', detail, hint }];
  }
}
