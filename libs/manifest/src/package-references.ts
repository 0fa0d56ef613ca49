import { isBuiltin } from 'node:module';

import ts from 'typescript';

/**
 * Finds packages that a file names without importing them: `require.resolve('x/file')`,
 * `import.meta.resolve('x')`, and calls of what `createRequire` returned.
 */
export function findPackageReferences(source: ts.SourceFile): string[] {
  const requires = new Set<string>();
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && isCreateRequire(node.initializer)) {
      requires.add(node.name.text);
    }
    if (ts.isCallExpression(node)) {
      const specifier = referenced(node, requires);
      if (specifier !== undefined && isBare(specifier)) found.push(specifier);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function referenced(call: ts.CallExpression, requires: ReadonlySet<string>): string | undefined {
  const [argument] = call.arguments;
  if (!argument || !ts.isStringLiteralLike(argument)) return undefined;
  const callee = call.expression;
  // A plain `require('x')` is an import to the bundler; only what `createRequire` made reaches run time.
  if (ts.isIdentifier(callee)) return requires.has(callee.text) ? argument.text : undefined;
  if (isCreateRequire(callee)) return argument.text;
  if (!ts.isPropertyAccessExpression(callee) || callee.name.text !== 'resolve') return undefined;
  const owner = callee.expression;
  const isNamed = ts.isIdentifier(owner) && (owner.text === 'require' || requires.has(owner.text));
  const isRequire = isNamed || isCreateRequire(owner);
  return isRequire || ts.isMetaProperty(owner) ? argument.text : undefined;
}

function isCreateRequire(node: ts.Expression | undefined): boolean {
  if (!node || !ts.isCallExpression(node)) return false;
  const callee = node.expression;
  if (ts.isIdentifier(callee)) return callee.text === 'createRequire';
  return ts.isPropertyAccessExpression(callee) && callee.name.text === 'createRequire';
}

function isBare(specifier: string): boolean {
  return !/^[./#]/.test(specifier) && !specifier.includes(':') && !isBuiltin(specifier);
}
