import type { ParameterSpec } from '@gantry/protocol';
import ts from 'typescript';

import { siteKey, type AppFacts, type ClassFacts, type HandlerFacts } from './app-facts.ts';
import { classMistakes } from './class-rules.ts';
import { findRunFunctions } from './function-sources.ts';
import type { HandlerKind } from './handler-kind.ts';
import { packageNameOf, type InstalledPackages } from './installed-packages.ts';
import type { Mistake } from './mistake.ts';
import { readParameters } from './parameter-specs.ts';
import { displayPath, type Project } from './project.ts';
import { lineOf, type RegistrationCall } from './registration-calls.ts';
import { sdkDecorators } from './sdk-decorators.ts';
import { ResponseReader } from './response-schema.ts';
import type { SourceFiles, UserFile } from './source-files.ts';
import { TypeProgram } from './type-program.ts';
import { docOf, optionality, TypeReader } from './type-spec.ts';
import { TypeWriter } from './type-text.ts';

/** The compiler's facts about an app, and the mistakes it saw. */
export interface Analysis {
  facts: AppFacts;
  mistakes: Mistake[];
  /** All user's files that were read, also those that only give types. */
  files: string[];
}

const CLASS_PARAMETER_TYPES = new Set(['string', 'number', 'integer', 'boolean', 'bigint', 'bytes', 'enum']);

/** Reads what decorators cannot see. Keeps the compiler's state, so a second reading is cheaper. */
export class Analyzer {
  readonly #project: Project;
  readonly #sources: SourceFiles;
  readonly #programs: TypeProgram;

  constructor(project: Project, sources: SourceFiles) {
    this.#project = project;
    this.#sources = sources;
    this.#programs = new TypeProgram(project, sources);
  }

  analyze(files: readonly UserFile[], packages: InstalledPackages): Analysis {
    const first = this.#read(files, packages, new Set());
    // Types from packages are rare in signatures and slow to load, so only those that were missed are read.
    if (first.missingPackages.size === 0) return first.analysis;
    return this.#read(files, packages, first.missingPackages).analysis;
  }

  #read(
    files: readonly UserFile[],
    packages: InstalledPackages,
    followed: ReadonlySet<string>,
  ): { analysis: Analysis; missingPackages: Set<string> } {
    const roots = files.map(({ path }) => path);
    const program = this.#programs.open(roots, { packages, followed });
    const checker = program.getTypeChecker();
    const types = new TypeReader(checker, (name) => packageOfName(name));
    const reading = new Reading({ project: this.#project, checker, types });
    for (const file of files) reading.readFile(file);
    const isExtended = extendedClasses(files, checker);
    for (const file of files) reading.mistakes.push(...classMistakes(file, isExtended));
    const read = program.getSourceFiles().map(({ fileName }) => fileName);
    const own = read.filter((path) => !packages.owning(path) && this.#sources.isUserFile(path));
    return {
      analysis: { facts: reading.facts, mistakes: reading.mistakes, files: own },
      missingPackages: types.missingPackages,
    };
  }
}

class Reading {
  readonly facts: AppFacts;
  readonly mistakes: Mistake[] = [];
  readonly #project: Project;
  readonly #checker: ts.TypeChecker;
  readonly #types: TypeReader;
  readonly #writer: TypeWriter;
  readonly #responses: ResponseReader;

  constructor(options: { project: Project; checker: ts.TypeChecker; types: TypeReader }) {
    this.#project = options.project;
    this.#checker = options.checker;
    this.#types = options.types;
    this.#writer = new TypeWriter(options.checker);
    this.#responses = new ResponseReader(options.checker);
    this.facts = {
      handlers: new Map(),
      classes: new Map(),
      functionSources: new Map(),
      types: this.#writer.declarations,
    };
  }

  readFile(file: UserFile): void {
    for (const { line, text } of findRunFunctions(file.source, this.#checker)) {
      const key = `${file.display}:${line}`;
      const before = this.facts.functionSources.get(key) ?? '';
      this.facts.functionSources.set(key, `${before}${text}\n`);
    }
    for (const registration of file.registrations) {
      const key = siteKey({ file: file.display, line: registration.line, name: registration.name });
      if (registration.target) this.facts.classes.set(key, this.#classFacts(registration.target, file));
      const handler = registration.target ? undefined : this.#functionFacts(registration, file);
      if (handler) this.facts.handlers.set(key, handler);
    }
  }

  #functionFacts(registration: RegistrationCall, file: UserFile): HandlerFacts | undefined {
    const { call, line } = registration;
    const fn = [...call.arguments]
      .reverse()
      .map(unwrapCall)
      .find((node) => this.#signatureOf(node));
    const signature = fn && this.#signatureOf(fn);
    if (!fn || !signature) return undefined;
    const holder = variableOf(call);
    const bound = holder && this.#checker.getSymbolAtLocation(holder.name);
    const own = ts.isIdentifier(fn) ? this.#resolved(fn) : undefined;
    const doc = docOf(bound, this.#checker).doc ?? docOf(own, this.#checker).doc;
    const site = { file: file.display, line };
    const facts = this.#handlerFacts(signature, fn);
    const params = holder ? withParameterDocs(facts.params, holder) : facts.params;
    return { ...facts, params, site, ...(doc === undefined ? {} : { doc }) };
  }

  #handlerFacts(
    signature: ts.Signature,
    at: ts.Node,
  ): Pick<HandlerFacts, 'params' | 'signature' | 'response' | 'returns'> {
    const params = readParameters(signature, at, { checker: this.#checker, types: this.#types });
    const returns = isPlain(signature.declaration) ? kindOfReturn(signature.getReturnType()) : undefined;
    const write = (unlisted: boolean): string => this.#writer.signature(signature, at, unlisted);
    const response = () => this.#responses.read(signature);
    return { params, signature: write, response, ...(returns ? { returns } : {}) };
  }

  #signatureOf(node: ts.Node): ts.Signature | undefined {
    const type = this.#checker.getTypeAtLocation(node);
    return this.#checker.getSignaturesOfType(type, ts.SignatureKind.Call)[0];
  }

  #resolved(node: ts.Identifier): ts.Symbol | undefined {
    const symbol = this.#checker.getSymbolAtLocation(node);
    return symbol && symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol;
  }

  #classFacts(node: ts.ClassLikeDeclaration, file: UserFile): ClassFacts {
    const symbol = node.name ? this.#checker.getSymbolAtLocation(node.name) : undefined;
    const type = this.#checker.getTypeAtLocation(node);
    const facts: ClassFacts = { ...docOf(symbol, this.#checker), methods: new Map(), parameters: new Map() };
    for (const property of type.getProperties()) {
      const declaration = property.valueDeclaration;
      if (!declaration) continue;
      if (ts.isPropertyDeclaration(declaration))
        this.#classParameter(property, declaration, { facts, file, node });
      const propertyType = this.#checker.getTypeOfSymbolAtLocation(property, node);
      const signature = this.#checker.getSignaturesOfType(propertyType, ts.SignatureKind.Call)[0];
      if (!signature) continue;
      const source = declaration.getSourceFile();
      const place = declaration && 'name' in declaration ? (declaration.name as ts.Node) : declaration;
      const site = { file: displayPath(this.#project, source.fileName), line: lineOf(source, place) };
      const doc = docOf(property, this.#checker);
      facts.methods.set(property.name, { ...this.#handlerFacts(signature, node), site, ...doc });
    }
    return facts;
  }

  #classParameter(
    property: ts.Symbol,
    declaration: ts.PropertyDeclaration,
    { facts, file, node }: { facts: ClassFacts; file: UserFile; node: ts.ClassLikeDeclaration },
  ): void {
    const type = this.#types.ofDeclaration(property, node);
    const doc = docOf(property, this.#checker);
    facts.parameters.set(property.name, {
      name: property.name,
      type,
      ...optionality(property, declaration, this.#checker.getTypeOfSymbolAtLocation(property, node)),
      ...doc,
    });
    const isOwn = declaration.getSourceFile() === file.source;
    if (!isOwn || !sdkDecorators(declaration, file.imports).some(({ name }) => name === 'parameter')) return;
    if (CLASS_PARAMETER_TYPES.has(type.type)) return;
    const written = declaration.type?.getText(file.source) ?? 'unknown';
    this.mistakes.push({
      file: file.display,
      line: lineOf(file.source, declaration.name),
      what: `the class parameter "${property.name}" has the type "${written}"`,
      hint: 'Use string, number, boolean, bigint, Uint8Array or an enum; write anything else as a string and decode it in an @enter() method.',
    });
  }
}

function packageOfName(name: ts.Identifier): string | undefined {
  for (const statement of name.getSourceFile().statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    const specifier = statement.moduleSpecifier.text;
    const clause = statement.importClause;
    if (specifier.startsWith('.') || specifier.startsWith('node:') || !clause) continue;
    const named = clause.namedBindings;
    const isNamed =
      named && ts.isNamedImports(named) && named.elements.some((element) => element.name.text === name.text);
    const isSpace = named && ts.isNamespaceImport(named) && named.name.text === name.text;
    if (isNamed || isSpace || clause.name?.text === name.text) return packageNameOf(specifier);
  }
  return undefined;
}

function extendedClasses(
  files: readonly UserFile[],
  checker: ts.TypeChecker,
): (node: ts.ClassDeclaration) => boolean {
  const extended = new Set<ts.Node>();
  const visit = (node: ts.Node): void => {
    const clause = ts.isClassLike(node) ? node.heritageClauses?.find(isExtends) : undefined;
    const base = clause?.types[0]?.expression;
    const symbol = base && checker.getSymbolAtLocation(base);
    const target = symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    if (target?.valueDeclaration) extended.add(target.valueDeclaration);
    ts.forEachChild(node, visit);
  };
  for (const file of files) visit(file.source);
  return (node) => extended.has(node);
}

function isExtends(clause: ts.HeritageClause): boolean {
  return clause.token === ts.SyntaxKind.ExtendsKeyword;
}

// `app.function({}, concurrent({…}, fn))`: the function stands inside the calls that modify it.
function unwrapCall(node: ts.Expression): ts.Expression {
  const inner = ts.isCallExpression(node) ? node.arguments.at(-1) : undefined;
  return inner ? unwrapCall(inner) : node;
}

function variableOf(call: ts.CallExpression): ts.VariableDeclaration | undefined {
  let node: ts.Node = call.parent;
  while (ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) {
    node = node.parent;
  }
  return ts.isVariableDeclaration(node) ? node : undefined;
}

// The compiler looks for `@param` above a function itself, not above the constant that a call of it fills.
function withParameterDocs(params: ParameterSpec[], holder: ts.VariableDeclaration): ParameterSpec[] {
  const tags = ts.getJSDocTags(holder).filter(ts.isJSDocParameterTag);
  return params.map((param) => {
    const tag = tags.find((candidate) => candidate.name.getText() === param.name);
    const doc = ts.getTextOfJSDocComment(tag?.comment)?.replace(/^-\s*/, '').trim();
    return doc ? { ...param, doc } : param;
  });
}

function isPlain(node: ts.Node | undefined): boolean {
  if (!node || !ts.isFunctionLike(node)) return false;
  const isGenerator = 'asteriskToken' in node && node.asteriskToken !== undefined;
  const isAsync =
    ts.canHaveModifiers(node) &&
    ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword);
  return !isGenerator && !isAsync;
}

const RETURN_KINDS: Record<string, HandlerKind> = {
  Promise: 'async',
  Generator: 'generator',
  IterableIterator: 'generator',
  AsyncGenerator: 'asyncGenerator',
  AsyncIterableIterator: 'asyncGenerator',
  AsyncIterable: 'asyncGenerator',
};

function kindOfReturn(type: ts.Type): HandlerKind | undefined {
  const name = type.symbol?.name ?? '';
  return Object.hasOwn(RETURN_KINDS, name) ? RETURN_KINDS[name] : undefined;
}
