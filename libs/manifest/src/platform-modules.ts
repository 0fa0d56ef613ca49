import { dirname, sep } from 'node:path';

import type { InstalledPackage, InstalledPackages } from './installed-packages.ts';

/** The package name that users import. */
export const SDK_NAME = 'gantry';

// Parts of the SDK that workspaces link as sources; a published SDK carries them inside.
const SDK_PARTS = ['@gantry/protocol'];

/** The SDK and everything it brings: always bundled, never treated as the user's code. */
export class PlatformModules {
  /** Undefined when the project has no `gantry` installed. */
  readonly sdk: InstalledPackage | undefined;
  readonly #sources: InstalledPackage[] = [];
  readonly #dependencies = new Set<string>();

  constructor(packages: InstalledPackages, entry: string) {
    this.sdk = packages.find(SDK_NAME, dirname(entry));
    if (this.sdk) this.#collect(packages, this.sdk);
  }

  #collect(packages: InstalledPackages, owner: InstalledPackage): void {
    if (this.#dependencies.has(owner.root)) return;
    this.#dependencies.add(owner.root);
    if (owner === this.sdk || SDK_PARTS.includes(owner.name)) this.#sources.push(owner);
    for (const name of Object.keys({ ...owner.json.dependencies, ...owner.json.optionalDependencies })) {
      const dependency = packages.find(name, owner.root);
      if (dependency) this.#collect(packages, dependency);
    }
  }

  /** True for the SDK's own files, wherever they are linked from. */
  owns(file: string): boolean {
    return this.#sources.some((source) => file.startsWith(source.root + sep));
  }

  /** True for the SDK and all packages that it depends on. */
  needs(owner: InstalledPackage): boolean {
    return this.#dependencies.has(owner.root);
  }

  /** Path of an SDK file as if it were installed from npm, or undefined for other files. */
  displayPath(file: string): string | undefined {
    const source = this.#sources.find((candidate) => file.startsWith(candidate.root + sep));
    if (!source) return undefined;
    return `node_modules/${source.name}${file.slice(source.root.length).split(sep).join('/')}`;
  }
}
