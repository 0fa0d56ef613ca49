import { dirname, join } from 'node:path';

import type { Plugin } from 'rolldown';

import { isNative, NEEDS_OWN_FILES } from './bundling-limits.ts';
import { packageNameOf, type InstalledPackage, type InstalledPackages } from './installed-packages.ts';
import type { Mistake } from './mistake.ts';
import type { PlatformModules } from './platform-modules.ts';
import type { Project } from './project.ts';
import type { SourceFiles } from './source-files.ts';

/** What the plugin learns while rolldown walks the modules. */
export interface ModuleFindings {
  /** Packages to leave out of the bundle. The next pass starts with them. */
  readonly external: Map<string, InstalledPackage>;
  /** Those of them that the bundle of this pass imports or names, and a package that does so, if it is one. */
  readonly imported: Map<string, { owner: InstalledPackage; from: InstalledPackage | undefined }>;
  /** Packages that `image.imports` loads: those of the image in containers, those of the project in the build. */
  readonly remote: Map<string, InstalledPackage>;
  /** Packages that cannot be in the bundle, found too late for this pass. */
  readonly late: Map<string, InstalledPackage>;
  /** Imports in the user's files that lead nowhere. */
  readonly mistakes: Mistake[];
}

interface PluginOptions {
  project: Project;
  packages: InstalledPackages;
  platform: PlatformModules;
  sources: SourceFiles;
  findings: ModuleFindings;
  /** Told of each place where a missing package would be. */
  onUserFile(path: string): void;
}

interface ModuleImport {
  specifier: string;
  /** The importing file. */
  importer: string;
}

interface PackageImport extends ModuleImport {
  /** The package that the import leads to. */
  owner: InstalledPackage;
}

const BARE = /^(?:@[a-z\d~][^:]*\/|[a-z\d~])[^:]*$/i;
const USER_CODE = /^(?!.*\/node_modules\/)[^\0].*\.[cm]?[jt]sx?$/;

// Their ES module builds let unused validators fall away, which shortens every cold start. Both keep their
// state on globalThis or take it from there, so a second copy elsewhere does no harm.
const PREFERS_MODULE_FIELD = new Set(['class-validator', 'class-transformer']);

/** Keeps unbundlable packages out, and adds their sites to the user's registrations. */
export function createBundlePlugin(options: PluginOptions): Plugin {
  const { packages, platform, sources, findings } = options;
  return {
    name: 'gantry',
    resolveId: {
      filter: { id: BARE },
      async handler(specifier, importer, extra) {
        if (importer === undefined || specifier.startsWith('node:')) return undefined;
        const resolved = await this.resolve(specifier, importer, { ...extra, skipSelf: true });
        const isRemote = isRemoteImport({ specifier, importer, kind: extra.kind }, options);
        if (!resolved) return unresolved({ specifier, importer, isRemote }, options);
        const owner = packages.owning(resolved.id);
        if (resolved.external || !owner) return resolved;
        if (isRemote) {
          findings.remote.set(owner.root, owner);
          return { id: specifier, external: true };
        }
        const request: PackageImport = { specifier, importer, owner };
        if (findings.external.has(owner.root)) return externalImport(request, options);
        if (isNative(owner) && owner !== platform.sdk) {
          // The SDK does without its native accelerators, so no app has to carry them.
          if (platform.needs(owner)) return { id: specifier, external: true };
          findings.external.set(owner.root, owner);
          return externalImport(request, options);
        }
        const entry = PREFERS_MODULE_FIELD.has(owner.name) && specifier === owner.name && owner.json.module;
        return entry ? { id: `${owner.root}/${entry}`.replace('/./', '/') } : resolved;
      },
    },
    transform: {
      filter: { id: USER_CODE },
      handler(_code, id) {
        if (platform.owns(id)) return undefined;
        return sources.transform(id);
      },
    },
  };
}

/** Notices package files that cannot be moved into a bundle. */
export function createPackageWatcher({ packages, platform, findings }: PluginOptions): Plugin {
  return {
    name: 'gantry-packages',
    transform: {
      filter: { id: /\/node_modules\//, code: NEEDS_OWN_FILES },
      handler(_code, id) {
        const owner = packages.owning(id);
        if (owner && !platform.needs(owner)) findings.late.set(owner.root, owner);
        return undefined;
      },
    },
  };
}

// What an image installs is taken from there: it is neither in the bundle nor beside it.
function isRemoteImport(
  { specifier, importer, kind }: { specifier: string; importer: string; kind: string },
  { packages, platform, sources }: PluginOptions,
): boolean {
  if (kind !== 'dynamic-import' || packages.owning(importer) || platform.owns(importer)) return false;
  return sources.read(importer).remoteImports.has(specifier);
}

function externalImport(
  { specifier, importer, owner }: PackageImport,
  { packages, findings }: PluginOptions,
): { id: string; external: true } {
  const from = packages.owning(importer);
  const clash = [...findings.imported.values()].find(
    (other) => other.owner.name === owner.name && other.owner !== owner,
  );
  // The bundle has one place for each name, so a package that needs another version keeps its own folder.
  const apart = clash && (from ?? clash.from);
  if (apart) findings.late.set(apart.root, apart);
  else findings.imported.set(owner.root, { owner, from });
  return { id: specifier, external: true };
}

function unresolved(
  { specifier, importer, isRemote }: ModuleImport & { isRemote: boolean },
  { project, platform, packages, sources, findings, onUserFile }: PluginOptions,
): { id: string; external: true } {
  const isUserCode = !packages.owning(importer) && !platform.owns(importer);
  if (isUserCode && !isRemote) {
    const name = packageNameOf(specifier);
    const isInstalled = packages.find(name, dirname(importer)) !== undefined;
    if (!isInstalled) onUserFile(join(project.root, 'node_modules', name, 'package.json'));
    findings.mistakes.push({
      ...sources.placeOfImport(importer, specifier),
      what: isInstalled
        ? `"${specifier}" is no part of the package "${name}"`
        : `the package "${name}" is not installed`,
      hint: isInstalled
        ? `Check what "${name}" exports.`
        : `Run: npm install ${name}. Or, if an image has it: image.imports(() => import('${specifier}')).`,
    });
  }
  return { id: specifier, external: true };
}
