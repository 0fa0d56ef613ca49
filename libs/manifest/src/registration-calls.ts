import ts from 'typescript';

import { SDK_NAME } from './platform-modules.ts';

/** A call of `app.function`, `app.cls` or `app.localEntrypoint` in a user's file. */
export interface RegistrationCall {
  kind: 'function' | 'cls' | 'localEntrypoint';
  call: ts.CallExpression;
  /** The constant or class that the registration is bound to. */
  name: string | undefined;
  /** The decorated class, for `cls`. */
  target: ts.ClassLikeDeclaration | undefined;
  /** 1-based line on which the call starts. */
  line: number;
}

/** What a file imports, as far as telling the SDK's names from others goes. */
export interface ImportedNames {
  /** Local name to the SDK's own name; a namespace import maps to `*`. */
  sdk: Map<string, string>;
  /** Local names from the user's other modules. */
  own: Set<string>;
  /** Local names from packages. */
  packages: Set<string>;
}

/** Reads the import statements of a file. */
export function importedNames(source: ts.SourceFile): ImportedNames {
  const names: ImportedNames = { sdk: new Map(), own: new Set(), packages: new Set() };
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    for (const [local, original] of bindings(statement.importClause)) {
      const from = statement.moduleSpecifier.text;
      if (from === SDK_NAME) names.sdk.set(local, original);
      else if (from.startsWith('node:')) names.packages.add(local);
      else (from.startsWith('.') ? names.own : names.packages).add(local);
    }
  }
  return names;
}

function bindings(clause: ts.ImportClause | undefined): [local: string, original: string][] {
  const found: [string, string][] = [];
  if (clause?.name) found.push([clause.name.text, 'default']);
  const named = clause?.namedBindings;
  if (named && ts.isNamespaceImport(named)) found.push([named.name.text, '*']);
  if (named && ts.isNamedImports(named)) {
    for (const element of named.elements) {
      found.push([element.name.text, (element.propertyName ?? element.name).text]);
    }
  }
  return found;
}

/** Finds every registration in a file, in the order of the text. */
export function findRegistrations(source: ts.SourceFile, imports: ImportedNames): RegistrationCall[] {
  const found: RegistrationCall[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const kind = registrationKind(node, imports);
      if (kind) found.push(describe(node, kind, source));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function registrationKind(
  call: ts.CallExpression,
  imports: ImportedNames,
): RegistrationCall['kind'] | undefined {
  const callee = call.expression;
  if (!ts.isPropertyAccessExpression(callee)) return undefined;
  const kind = callee.name.text;
  if (kind !== 'function' && kind !== 'cls' && kind !== 'localEntrypoint') return undefined;
  return mayBeApp(callee.expression, imports) ? kind : undefined;
}

/**
 * True when an expression may hold an App: made in a file that knows the SDK, or imported from the user's own
 * modules. Names from packages are left alone, so that a `function(…)` method of a library keeps its arguments.
 */
export function mayBeApp(expression: ts.Expression, imports: ImportedNames): boolean {
  let root: ts.Expression = expression;
  while (ts.isPropertyAccessExpression(root)) root = root.expression;
  if (root.kind === ts.SyntaxKind.ThisKeyword) return root !== expression && imports.sdk.size > 0;
  if (!ts.isIdentifier(root)) return false;
  if (imports.own.has(root.text)) return true;
  if (imports.packages.has(root.text)) return isAlias(root.text, imports);
  return imports.sdk.size > 0 && !imports.sdk.has(root.text);
}

// A path alias of the tsconfig looks like a package, so a file that knows the SDK may import its app that way.
function isAlias(name: string, imports: ImportedNames): boolean {
  return imports.sdk.size > 0 && name.toLowerCase().endsWith('app');
}

function describe(
  call: ts.CallExpression,
  kind: RegistrationCall['kind'],
  source: ts.SourceFile,
): RegistrationCall {
  const line = lineOf(source, call);
  if (ts.isDecorator(call.parent) && ts.isClassLike(call.parent.parent)) {
    const target = call.parent.parent;
    return { kind, call, target, name: target.name?.text, line };
  }
  return { kind, call, target: undefined, name: boundName(call), line };
}

function boundName(call: ts.CallExpression): string | undefined {
  let node: ts.Node = call.parent;
  while (ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) {
    node = node.parent;
  }
  if (!ts.isVariableDeclaration(node) && !ts.isPropertyAssignment(node) && !ts.isPropertyDeclaration(node)) {
    return undefined;
  }
  return ts.isIdentifier(node.name) ? node.name.text : undefined;
}

/** 1-based line on which a node starts. */
export function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}
