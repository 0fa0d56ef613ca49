export type DebianSuite = 'bookworm' | 'trixie';

/** A release of the image builder: what images begin with, by number. Once it is there it never changes. */
export interface BuilderRelease {
  version: number;
  /** Such as `12`. */
  debian: string;
  suite: DebianSuite;
  /** Version of Python that comes with it, such as `3.11`. */
  python: string;
}

/** The oldest first. */
export const BUILDER_RELEASES: readonly BuilderRelease[] = [
  { version: 1, debian: '12', suite: 'bookworm', python: '3.11' },
  { version: 2, debian: '13', suite: 'trixie', python: '3.13' },
];

/** What a new platform begins with: the Debian that its machine has, which needs least to be made there. */
export function firstRelease(codename: string | undefined): number {
  return BUILDER_RELEASES.find(({ suite }) => suite === codename)?.version ?? 1;
}
