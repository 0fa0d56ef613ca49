import { SDK_NAME } from './platform-modules.ts';
import { toBuildError } from './mistake.ts';
import type { InstalledPackage, InstalledPackages } from './installed-packages.ts';

/** A package and where it goes in the archive, such as `node_modules/a/node_modules/b`. */
export interface PlacedPackage extends InstalledPackage {
  path: string;
}

/** Packages and all that they depend on, each once, sorted by name. */
export function closureOf(
  roots: readonly InstalledPackage[],
  packages: InstalledPackages,
): InstalledPackage[] {
  const found = new Map<string, InstalledPackage>();
  const queue = [...roots];
  for (let next = queue.shift(); next; next = queue.shift()) {
    if (found.has(next.root)) continue;
    found.set(next.root, next);
    queue.push(...dependenciesOf(next, packages));
  }
  return [...found.values()].sort(
    (left, right) => compare(left.name, right.name) || compare(left.root, right.root),
  );
}

/**
 * Lays packages out so that each finds the version of its dependencies that it finds on this machine: at the
 * top where the name is free, else inside the package that needs it.
 */
export function placePackages(
  roots: readonly InstalledPackage[],
  packages: InstalledPackages,
): PlacedPackage[] {
  const placed = new Map<string, PlacedPackage>();
  const queue: PlacedPackage[] = [];
  const place = (item: InstalledPackage, folder: string): void => {
    const path = `${folder}node_modules/${item.name}`;
    const entry = { ...item, path };
    placed.set(path, entry);
    queue.push(entry);
  };
  for (const root of [...roots].sort((left, right) => compare(left.name, right.name))) place(root, '');
  for (let owner = queue.shift(); owner; owner = queue.shift()) {
    for (const dependency of dependenciesOf(owner, packages)) {
      const visible = visibleFrom(owner.path, dependency.name, placed);
      if (!visible) place(dependency, '');
      else if (visible.root !== dependency.root) place(dependency, `${owner.path}/`);
    }
  }
  return [...placed.values()].sort((left, right) => compare(left.path, right.path));
}

function visibleFrom(
  path: string,
  name: string,
  placed: ReadonlyMap<string, PlacedPackage>,
): PlacedPackage | undefined {
  for (
    let folder = `${path}/`;
    ;
    folder = folder.slice(0, folder.lastIndexOf('node_modules/', folder.length - 2))
  ) {
    const found = placed.get(`${folder}node_modules/${name}`);
    if (found || folder === '') return found;
  }
}

function dependenciesOf(owner: InstalledPackage, packages: InstalledPackages): InstalledPackage[] {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = owner.json;
  const required = Object.keys(dependencies).filter((name) => !(name in optionalDependencies));
  const present = [
    ...Object.keys(optionalDependencies),
    ...Object.keys(peerDependencies).filter(isRuntimePeer),
  ];
  const found: InstalledPackage[] = [];
  for (const name of new Set([...required, ...present].sort())) {
    if (name === SDK_NAME) continue;
    const dependency = packages.find(name, owner.root);
    if (dependency && runsHere(dependency)) found.push(dependency);
    if (!dependency && required.includes(name)) throw missing(name, owner);
  }
  return found;
}

// Packages name the compiler and type packages as peers for their declarations, never for run time.
function isRuntimePeer(name: string): boolean {
  return name !== 'typescript' && !name.startsWith('@types/');
}

function runsHere({ json }: InstalledPackage): boolean {
  const libc = process.platform === 'linux' ? currentLibc() : undefined;
  return (
    allows(json.os, process.platform) && allows(json.cpu, process.arch) && (!libc || allows(json.libc, libc))
  );
}

function allows(list: string[] | string | undefined, value: string): boolean {
  const entries = typeof list === 'string' ? [list] : (list ?? []);
  if (entries.includes(`!${value}`)) return false;
  const wanted = entries.filter((entry) => !entry.startsWith('!'));
  return wanted.length === 0 || wanted.includes(value) || wanted.includes('any');
}

let libcName: string | undefined;

function currentLibc(): string {
  if (libcName === undefined) {
    const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
    libcName = report.header?.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
  }
  return libcName;
}

function missing(name: string, owner: InstalledPackage): Error {
  const what = `the package "${name}", which "${owner.name}" needs, is not installed`;
  return toBuildError([{ file: 'package.json', what, hint: 'Run: npm ci' }]);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
