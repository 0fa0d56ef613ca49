import ts from 'typescript';

/** Specifiers that a file imports in `image.imports(() => import('…'))`: only containers need to have them. */
export function findRemoteImports(source: ts.SourceFile): ReadonlySet<string> {
  const found = new Set<string>();
  const collect = (node: ts.Node): void => {
    const [specifier] = isDynamicImport(node) ? node.arguments : [];
    if (specifier && ts.isStringLiteralLike(specifier)) found.add(specifier.text);
    ts.forEachChild(node, collect);
  };
  const visit = (node: ts.Node): void => {
    if (isImportsCall(node)) node.arguments.forEach(collect);
    else ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isDynamicImport(node: ts.Node): node is ts.CallExpression {
  return ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
}

function isImportsCall(node: ts.Node): node is ts.CallExpression {
  return (
    ts.isCallExpression(node) &&
    ts.isPropertyAccessExpression(node.expression) &&
    node.expression.name.text === 'imports'
  );
}
