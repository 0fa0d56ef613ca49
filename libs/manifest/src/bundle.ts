import { dirname, join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { rolldown, type OutputChunk, type Plugin } from 'rolldown';

import { createBundlePlugin, createPackageWatcher, type ModuleFindings } from './bundle-plugin.ts';
import { closureOf } from './package-closure.ts';
import { toBuildError, type Mistake } from './mistake.ts';
import type { InstalledPackage, InstalledPackages } from './installed-packages.ts';
import type { PlatformModules } from './platform-modules.ts';
import { displayPath, type Project } from './project.ts';
import { referencedPackages, type SourceFiles, type UserFile } from './source-files.ts';

/** Everything that one bundling needs to know. */
export interface BundleContext {
  project: Project;
  packages: InstalledPackages;
  platform: PlatformModules;
  sources: SourceFiles;
  /** Told of each user's file that was read, also when the build fails. */
  onUserFile(path: string): void;
  /** Packages that were external to the bundle before. Knowing them saves the passes that find them. */
  external: readonly InstalledPackage[];
}

export interface Bundle {
  code: string;
  /** The source map, with sources relative to the project. */
  map: string;
  /** The user's files in the bundle, in the order of their paths. */
  userFiles: UserFile[];
  /** Packages that the bundle imports or names, sorted by name. */
  external: InstalledPackage[];
  /** Packages of the project that containers have from their image. */
  remote: InstalledPackage[];
}

// A pass that finds a package which cannot be bundled is thrown away; each pass removes at least one.
const MOST_PASSES = 50;

/**
 * Bundles the entry and all it imports into one ES module.
 *
 * @throws BuildError for syntax errors and for imports that lead nowhere.
 */
export async function bundleApp(context: BundleContext): Promise<Bundle> {
  const bundle = await bundleFrom(context, context.external);
  const isAsBefore = context.external.every((known) => bundle.external.includes(known));
  // A package that is no longer needed may have kept others out of the bundle.
  return isAsBefore ? bundle : bundleFrom(context, []);
}

async function bundleFrom(context: BundleContext, known: readonly InstalledPackage[]): Promise<Bundle> {
  const external = new Map(known.map((found) => [found.root, found]));
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    const findings: ModuleFindings = {
      external: new Map(external),
      imported: new Map(),
      remote: new Map(),
      late: new Map(),
      mistakes: [],
    };
    const chunk = await runRolldown(context, findings);
    if (findings.mistakes.length > 0) throw toBuildError(findings.mistakes);
    const files = userFilesOf(chunk, context);
    addReferences(files, context, findings);
    addSharedDependencies(chunk, context, findings);
    if (findings.late.size === 0) return finish(chunk, files, findings);
    for (const [root, found] of [...findings.external, ...findings.late]) external.set(root, found);
  }
  throw new Error(`rolldown found further unbundlable packages in ${MOST_PASSES} passes`);
}

async function runRolldown(context: BundleContext, findings: ModuleFindings): Promise<OutputChunk> {
  const options = { ...context, findings };
  try {
    await using build = await rolldown({
      input: context.project.entry,
      cwd: context.project.root,
      platform: 'node',
      logLevel: 'silent',
      experimental: { attachDebugInfo: 'none' },
      transform: {
        target: 'node22',
        decorator: { legacy: true, emitDecoratorMetadata: true },
      },
      plugins: [fileWatcher(context), createBundlePlugin(options), createPackageWatcher(options)],
    });
    const { output } = await build.generate({
      format: 'esm',
      sourcemap: true,
      keepNames: true,
      codeSplitting: false,
      comments: { legal: false, jsdoc: false },
      entryFileNames: 'bundle.mjs',
      sourcemapPathTransform: (source, mapFile) => sourceName(join(dirname(mapFile), source), context),
    });
    return output[0];
  } catch (error) {
    const mistakes = [...findings.mistakes, ...mistakesOf(error, context)];
    throw mistakes.length > 0 ? toBuildError(mistakes, error) : error;
  }
}

function fileWatcher({ platform, onUserFile }: BundleContext): Plugin {
  return {
    name: 'gantry-watch-files',
    load: {
      filter: { id: /^(?!.*\/node_modules\/)[^\0]/ },
      handler(id) {
        if (!platform.owns(id)) onUserFile(id);
        return undefined;
      },
    },
  };
}

function sourceName(path: string, { platform, project }: BundleContext): string {
  return platform.displayPath(path) ?? displayPath(project, path);
}

function userFilesOf(chunk: OutputChunk, { packages, platform, sources }: BundleContext): UserFile[] {
  return chunk.moduleIds
    .filter((id) => /^[^\0].*\.[cm]?[jt]sx?$/.test(id) && !packages.owning(id) && !platform.owns(id))
    .sort()
    .map((id) => sources.read(id));
}

function addReferences(
  files: UserFile[],
  { packages, sources }: BundleContext,
  findings: ModuleFindings,
): void {
  for (const file of files) {
    for (const { name, specifier } of referencedPackages(file)) {
      const found = packages.find(name, dirname(file.path));
      if (found) findings.imported.set(found.root, { owner: found, from: undefined });
      if (found && !findings.external.has(found.root)) {
        findings.external.set(found.root, found);
        findings.late.set(found.root, found);
      }
      if (found) continue;
      const what = `the package "${name}" is not installed`;
      findings.mistakes.push({
        ...sources.placeOfImport(file.path, specifier),
        what,
        hint: `Run: npm install ${name}`,
      });
    }
  }
  if (findings.mistakes.length > 0) throw toBuildError(findings.mistakes);
}

// A package that an external one depends on must not also be in the bundle: two copies would not share state.
function addSharedDependencies(chunk: OutputChunk, context: BundleContext, findings: ModuleFindings): void {
  if (findings.external.size === 0) return;
  const closure = new Set(
    closureOf([...findings.external.values()], context.packages).map(({ root }) => root),
  );
  for (const id of chunk.moduleIds) {
    const owner = context.packages.owning(id);
    if (owner && closure.has(owner.root) && !context.platform.needs(owner))
      findings.late.set(owner.root, owner);
  }
}

function finish(chunk: OutputChunk, userFiles: UserFile[], findings: ModuleFindings): Bundle {
  const external = [...findings.imported.values()]
    .map(({ owner }) => owner)
    .sort((left, right) => (left.name < right.name ? -1 : 1));
  const remote = [...findings.remote.values()];
  return { code: chunk.code, map: shortMap(chunk), userFiles, external, remote };
}

// Only the user's own sources travel with the map; those of packages can be read in node_modules.
function shortMap(chunk: OutputChunk): string {
  const map = chunk.map;
  // An entry without code has none.
  if (!map) return JSON.stringify({ version: 3, sources: [], sourcesContent: [], names: [], mappings: '' });
  const { version, file, sources, mappings, names } = map;
  const sourcesContent = (map.sourcesContent ?? []).map((text, index) =>
    sources[index]?.includes('node_modules/') ? null : text,
  );
  return JSON.stringify({ version, file, sources, sourcesContent, names, mappings });
}

/** Says which files would mend an import that leads nowhere. */
function noteMissing(path: string, { onUserFile }: BundleContext): void {
  for (const ending of ['', '.ts', '.tsx', '.mts', '.js', '.mjs', '.json']) onUserFile(path + ending);
}

interface RolldownError {
  code?: string;
  message: string;
  id?: string;
  exporter?: string;
  loc?: { file?: string; line: number; column: number };
}

function mistakesOf(error: unknown, context: BundleContext): Mistake[] {
  const errors = (error as { errors?: RolldownError[] }).errors ?? [];
  const syntax = errors.filter((candidate) => candidate.code === 'PARSE_ERROR');
  // After a syntax error the parser's further complaints are mostly echoes.
  const relevant = syntax.length > 0 ? syntax.slice(0, 1) : errors;
  return relevant.map((candidate) => describe(candidate, context));
}

// Registrations were written longer before the bundler read them: on their lines, columns are not those of the user.
function columnOf({ id, loc }: RolldownError, { sources }: BundleContext): number | undefined {
  const path = loc?.file ?? id;
  if (!loc || path === undefined || !sources.isUserFile(path)) return undefined;
  const lineIn = (text: string): string | undefined => text.split('\n')[loc.line - 1];
  const own = sources.read(path).source.text;
  const isAsWritten = lineIn(sources.transform(path)?.code ?? own) === lineIn(own);
  // The bundler counts columns from 0.
  return isAsWritten ? loc.column + 1 : undefined;
}

function describe(error: RolldownError, context: BundleContext): Mistake {
  const path = error.loc?.file ?? error.id;
  const file = sourceName(path ?? context.project.entry, context);
  const place = { file, line: error.loc?.line, column: columnOf(error, context) };
  const [firstLine = ''] = stripVTControlCharacters(error.message).split('\n');
  const summary = firstLine.replace(/^\[[A-Z_]+\] /, '');
  if (error.code === 'PARSE_ERROR') {
    return { ...place, what: `syntax error: ${summary}`, hint: 'Correct the syntax on this line.' };
  }
  if (error.code === 'UNRESOLVED_IMPORT') {
    const what = `the import "${error.exporter ?? ''}" leads to no file`;
    if (error.exporter && error.id) noteMissing(resolve(dirname(error.id), error.exporter), context);
    return { ...place, what, hint: 'Check the path and its extension.' };
  }
  if (error.code === 'MISSING_EXPORT') {
    const name = /^"([^"]+)"/.exec(summary)?.[1] ?? 'name';
    const from = error.exporter === undefined ? 'the module' : `"${sourceName(error.exporter, context)}"`;
    const hint = `Check the name; if "${name}" is a type, write \`import { type ${name} }\`.`;
    return { ...place, what: `"${name}" is not exported by ${from}`, hint };
  }
  return { ...place, what: summary, hint: 'Correct this in the source.' };
}
