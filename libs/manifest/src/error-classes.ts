import ts from 'typescript';

const ERROR_NAME = /(?:Error|Exception)$/;

/** A class that extends an error. */
export interface ErrorClass {
  name: string;
  /** Where its declaration ends in the text. */
  end: number;
}

/**
 * The classes at the top level of a file that extend an error, as far as the names tell: their own
 * ancestors in the file, or a base class called `…Error` or `…Exception`.
 */
export function findErrorClasses(source: ts.SourceFile): ErrorClass[] {
  const found = new Map<string, ErrorClass>();
  for (const statement of source.statements) {
    if (!ts.isClassDeclaration(statement) || !statement.name || isDeclared(statement)) continue;
    const base = baseName(statement);
    const name = statement.name.text;
    if (base !== undefined && (found.has(base) || ERROR_NAME.test(base)))
      found.set(name, { name, end: statement.getEnd() });
  }
  return [...found.values()];
}

function isDeclared(statement: ts.ClassDeclaration): boolean {
  return statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword) ?? false;
}

function baseName({ heritageClauses }: ts.ClassDeclaration): string | undefined {
  const clause = heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword);
  const base = clause?.types[0]?.expression;
  if (!base) return undefined;
  if (ts.isIdentifier(base)) return base.text;
  return ts.isPropertyAccessExpression(base) ? base.name.text : undefined;
}
