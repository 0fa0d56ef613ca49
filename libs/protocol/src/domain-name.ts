const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const NAME = new RegExp(`^(?:\\*\\.)?${LABEL}(?:\\.${LABEL})+$`);
const MAX_LENGTH = 253;

/** True for a domain that a web function can have: `example.com`, `api.example.com`, or all of a level: `*.example.com`. */
export function isCustomDomain(name: string): boolean {
  return name.length <= MAX_LENGTH && NAME.test(name);
}

/** True if `pattern`, a domain or `*.` and one, stands for `name`; a star stands for one level. */
export function coversDomain(pattern: string, name: string): boolean {
  return pattern === name || pattern === wildcardOf(name);
}

/** The wildcard that stands for a name and its siblings: `*.example.com` for `api.example.com`; undefined for one level. */
export function wildcardOf(name: string): string | undefined {
  const dot = name.indexOf('.');
  return dot < 0 ? undefined : `*${name.slice(dot)}`;
}
