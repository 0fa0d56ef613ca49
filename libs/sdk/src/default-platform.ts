import { Client } from './client.ts';
import { ContainerPlatform } from './container-platform.ts';
import { containerHost, type ContainerHost } from './host.ts';
import type { Platform } from './platform.ts';

let inside: { host: ContainerHost; platform: Platform } | undefined;

/** Where calls go unless they name a client: in a container to its worker, else to the default client's server. */
export function defaultPlatform(): Platform {
  const host = containerHost();
  if (!host) return Client.default().platform;
  if (inside?.host !== host) inside = { host, platform: new ContainerPlatform(host) };
  return inside.platform;
}
