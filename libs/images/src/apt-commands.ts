import { quote } from './shell-words.ts';

/** Debian packages; what apt has to know for that is gone afterwards. */
export function aptCommands(packages: readonly string[]): string[] {
  const names = packages.map(quote).join(' ');
  return [
    `apt-get update -qq && apt-get install -y -qq --no-install-recommends ${names} && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin`,
  ];
}
