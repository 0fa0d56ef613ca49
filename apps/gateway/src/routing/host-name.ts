const MAX_HOST = 253;
/** An address of IPv6 in brackets, or a name; then a port or none. */
const HOST = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::\d{0,5})?$/;

/** Lower-case host name of a Host header or a TLS server name, without port and trailing dot; undefined if it is none. */
export function parseHost(header: string | undefined): string | undefined {
  if (header === undefined || header.length > 300) return undefined;
  const [, address, name] = HOST.exec(header.toLowerCase()) ?? [];
  if (address !== undefined) return address;
  const host = name?.replace(/\.$/, '');
  return host && host.length <= MAX_HOST ? host : undefined;
}

/** True for names of the gateway itself: the bare domain, and this machine without any name. */
export function isOwnHost(host: string, domain: string): boolean {
  return host === domain || host === 'localhost' || /^[\d.]+$/.test(host) || host.includes(':');
}
