import { realpathSync, statSync } from 'node:fs';
import { dirname, sep } from 'node:path';

import ts from 'typescript';

import { CORE_LIBRARY, CORE_LIBRARY_FILE } from './core-library.ts';
import { packageNameOf, type InstalledPackages } from './installed-packages.ts';
import { SDK_NAME } from './platform-modules.ts';
import type { Project } from './project.ts';
import type { SourceFiles } from './source-files.ts';

/** How far the compiler looks beyond the user's files. */
export interface TypeReach {
  packages: InstalledPackages;
  /** Names of the packages whose declarations are read. */
  followed: ReadonlySet<string>;
}

/**
 * The compiler's view of the user's files, for their types only: no diagnostics, a small core library, and no
 * declarations of packages except those that `followed` names.
 */
export class TypeProgram {
  readonly #project: Project;
  readonly #sources: SourceFiles;
  readonly #core = ts.createSourceFile(CORE_LIBRARY_FILE, CORE_LIBRARY, ts.ScriptTarget.ESNext, true);
  #options: ts.CompilerOptions | undefined;

  constructor(project: Project, sources: SourceFiles) {
    this.#project = project;
    this.#sources = sources;
  }

  /** A program over the given files and what they import. */
  open(roots: readonly string[], reach: TypeReach): ts.Program {
    const options = (this.#options ??= compilerOptions(this.#project));
    // No `oldProgram`: it would keep resolutions of imports that `followed`, or the disk, has changed since. What
    // is worth keeping, the parsed files, `SourceFiles` keeps.
    return ts.createProgram({
      rootNames: [CORE_LIBRARY_FILE, ...roots],
      options,
      host: this.#host(options, reach),
    });
  }

  #host(options: ts.CompilerOptions, reach: TypeReach): ts.CompilerHost {
    const cache = ts.createModuleResolutionCache(this.#project.root, (name) => name, options);
    const host: ts.CompilerHost = {
      getSourceFile: (file) => (file === CORE_LIBRARY_FILE ? this.#core : this.#sources.read(file).source),
      getDefaultLibFileName: () => CORE_LIBRARY_FILE,
      writeFile: () => undefined,
      getCurrentDirectory: () => this.#project.root,
      getCanonicalFileName: (file) => file,
      useCaseSensitiveFileNames: () => true,
      getNewLine: () => '\n',
      fileExists: (file) => file === CORE_LIBRARY_FILE || isFile(file),
      readFile: (file) => ts.sys.readFile(file),
      directoryExists: (folder) => ts.sys.directoryExists(folder),
      getDirectories: () => [],
      realpath: (file) => (file === CORE_LIBRARY_FILE ? file : realpathSync(file)),
      resolveModuleNameLiterals: (literals, importer) =>
        literals.map(({ text }) => {
          if (isSkipped(text, importer, reach)) return { resolvedModule: undefined };
          return ts.resolveModuleName(text, importer, options, host, cache);
        }),
    };
    return host;
  }
}

function isSkipped(specifier: string, importer: string, { packages, followed }: TypeReach): boolean {
  if (specifier.startsWith('.')) return false;
  const name = packageNameOf(specifier);
  if (name === SDK_NAME || specifier.startsWith('node:')) return true;
  if (followed.has(name) || importer.includes(`${sep}node_modules${sep}`)) return false;
  const installed = packages.find(name, dirname(importer));
  return installed !== undefined && installed.root.includes(`${sep}node_modules${sep}`);
}

function compilerOptions(project: Project): ts.CompilerOptions {
  const fixed: ts.CompilerOptions = {
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    noLib: true,
    types: [],
    allowJs: true,
    strict: true,
    experimentalDecorators: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: true,
    jsx: ts.JsxEmit.Preserve,
  };
  const file = ts.findConfigFile(project.root, ts.sys.fileExists);
  if (file === undefined) return fixed;
  // Only the aliases matter here, so the files that the configuration names are not listed.
  const host: ts.ParseConfigHost = {
    useCaseSensitiveFileNames: true,
    readDirectory: () => [],
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
  };
  const read = ts.readConfigFile(file, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(read.config ?? {}, host, dirname(file), undefined, file);
  const { paths, baseUrl, pathsBasePath, configFilePath } = options;
  const aliases = Object.entries({ paths, baseUrl, pathsBasePath, configFilePath });
  return { ...fixed, ...Object.fromEntries(aliases.filter(([, value]) => value !== undefined)) };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
