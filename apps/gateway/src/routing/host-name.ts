/** Lower-case host name of a Host header or a TLS server name, without port and trailing dot; undefined if it is none. */
export function parseHost(header: string | undefined): string | undefined {
  if (header === undefined || header.length > 300) return undefined;
  const text = header.toLowerCase();
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    return end < 0 ? undefined : text.slice(1, end);
  }
  const colon = text.indexOf(':');
  const host = (colon < 0 ? text : text.slice(0, colon)).replace(/\.$/, '');
  return /^[a-z0-9_.-]{1,253}$/.test(host) ? host : undefined;
}

/** True for names of the gateway itself: the bare domain, and this machine without any name. */
export function isOwnHost(host: string, domain: string): boolean {
  return host === domain || host === 'localhost' || /^[\d.]+$/.test(host) || host.includes(':');
}
