import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

/** The fields of a `package.json` that the build step reads. */
export interface PackageJson {
  name?: string;
  version?: string;
  module?: string;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  gypfile?: boolean;
  binary?: unknown;
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** A package as it lies on disk. */
export interface InstalledPackage {
  /** The name it is imported by: that of its folder, which an npm alias may make differ from `json.name`. */
  name: string;
  version: string;
  /** Real path of its folder. */
  root: string;
  json: PackageJson;
}

const NODE_MODULES = `${sep}node_modules${sep}`;

/** Finds packages the way Node does, and remembers what it found for the length of one build. */
export class InstalledPackages {
  readonly #byRoot = new Map<string, InstalledPackage | undefined>();
  readonly #byImport = new Map<string, InstalledPackage | undefined>();

  /** The package in a `node_modules` folder that holds `file`, or undefined for the user's own files. */
  owning(file: string): InstalledPackage | undefined {
    const at = file.lastIndexOf(NODE_MODULES);
    if (at < 0) return undefined;
    const start = at + NODE_MODULES.length;
    const name = packageNameOf(file.slice(start).split(sep).join('/'));
    return this.#read(join(file.slice(0, start), name), name);
  }

  /** The package that `import name` reaches from a file in `folder`. */
  find(name: string, folder: string): InstalledPackage | undefined {
    const key = `${folder}\0${name}`;
    if (!this.#byImport.has(key)) this.#byImport.set(key, this.#search(name, folder));
    return this.#byImport.get(key);
  }

  #search(name: string, folder: string): InstalledPackage | undefined {
    for (let current = folder; ; current = dirname(current)) {
      const candidate = join(current, 'node_modules', name);
      if (existsSync(join(candidate, 'package.json'))) return this.#read(realpathSync(candidate), name);
      if (dirname(current) === current) return undefined;
    }
  }

  #read(root: string, name: string): InstalledPackage | undefined {
    if (!this.#byRoot.has(root)) this.#byRoot.set(root, readPackage(root, name));
    return this.#byRoot.get(root);
  }
}

/** `@scope/name/file.js` to `@scope/name`, `name/file.js` to `name`. */
export function packageNameOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}

function readPackage(root: string, name: string): InstalledPackage | undefined {
  const file = join(root, 'package.json');
  if (!existsSync(file)) return undefined;
  const json = JSON.parse(readFileSync(file, 'utf8')) as PackageJson;
  return { name, version: json.version ?? '0.0.0', root, json };
}
