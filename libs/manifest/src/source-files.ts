import { readFileSync } from 'node:fs';

import ts from 'typescript';

import { findErrorClasses, type ErrorClass } from './error-classes.ts';
import { packageNameOf } from './installed-packages.ts';
import type { Mistake } from './mistake.ts';
import { findPackageReferences } from './package-references.ts';
import { displayPath, type Project } from './project.ts';
import {
  findRegistrations,
  importedNames,
  type ImportedNames,
  type RegistrationCall,
} from './registration-calls.ts';
import { findRemoteImports } from './remote-imports.ts';
import { injectSites } from './site-injection.ts';

/** A user's file, parsed. */
export interface UserFile {
  /** Absolute path. */
  path: string;
  /** Relative to the project. */
  display: string;
  source: ts.SourceFile;
  imports: ImportedNames;
  registrations: RegistrationCall[];
  /** The top-level classes that extend an error. */
  errorClasses: ErrorClass[];
  /** Specifiers of packages that the file names without importing them. */
  references: string[];
  /** Specifiers that only containers need to find. */
  remoteImports: ReadonlySet<string>;
}

/** The user's files by path. Kept between builds: a file whose text is the same is not parsed again. */
export class SourceFiles {
  readonly #project: Project;
  readonly #files = new Map<string, UserFile>();

  constructor(project: Project) {
    this.#project = project;
  }

  /** Reads and parses a file, or returns what an earlier build parsed from the same text. */
  read(path: string): UserFile {
    const text = readFileSync(path, 'utf8');
    const known = this.#files.get(path);
    if (known?.source.text === text) return known;
    const file = this.#parse(path, text);
    this.#files.set(path, file);
    return file;
  }

  /** True for files that this object has read. */
  isUserFile(path: string): boolean {
    return this.#files.has(path);
  }

  /** The file's text with a site argument in each registration, or undefined if it has none. */
  transform(path: string): ReturnType<typeof injectSites> {
    const file = this.read(path);
    const { source, registrations: calls, errorClasses, display } = file;
    return injectSites(source, { calls, errorClasses, file: display });
  }

  /** Where a file imports or names a package or module. */
  placeOfImport(path: string, specifier: string): Pick<Mistake, 'file' | 'line' | 'column'> {
    const { source, display } = this.read(path);
    const at = [`'${specifier}'`, `"${specifier}"`]
      .map((text) => source.text.indexOf(text))
      .find((index) => index >= 0);
    if (at === undefined) return { file: display };
    const { line, character } = source.getLineAndCharacterOfPosition(at);
    return { file: display, line: line + 1, column: character + 1 };
  }

  #parse(path: string, text: string): UserFile {
    const source = ts.createSourceFile(
      path,
      text,
      { languageVersion: ts.ScriptTarget.ESNext, jsDocParsingMode: ts.JSDocParsingMode.ParseAll },
      true,
    );
    const imports = importedNames(source);
    return {
      path,
      display: displayPath(this.#project, path),
      source,
      imports,
      registrations: findRegistrations(source, imports),
      errorClasses: findErrorClasses(source),
      references: findPackageReferences(source),
      remoteImports: findRemoteImports(source),
    };
  }
}

/** The packages that a file names without importing them. */
export function referencedPackages(file: UserFile): { name: string; specifier: string }[] {
  return file.references.map((specifier) => ({ name: packageNameOf(specifier), specifier }));
}
