import ts from 'typescript';

import { mayBeApp, type ImportedNames } from './registration-calls.ts';

/** One of the SDK's decorators as it stands above a class or member. */
export interface SdkDecorator {
  /** Name in the SDK, whatever it was imported as; `cls` for `@app.cls`. */
  name: string;
  node: ts.Decorator;
  /** False for `@method` without parentheses. */
  isCalled: boolean;
}

/** The SDK's decorators of a class or member; those of other libraries are left out. */
export function sdkDecorators(node: ts.Node, imports: ImportedNames): SdkDecorator[] {
  const decorators = ts.canHaveDecorators(node) ? (ts.getDecorators(node) ?? []) : [];
  return decorators.flatMap((decorator) => {
    const isCalled = ts.isCallExpression(decorator.expression);
    const callee = ts.isCallExpression(decorator.expression)
      ? decorator.expression.expression
      : decorator.expression;
    const name = sdkName(callee, imports);
    return name === undefined ? [] : [{ name, node: decorator, isCalled }];
  });
}

function sdkName(callee: ts.Expression, imports: ImportedNames): string | undefined {
  if (ts.isIdentifier(callee)) return imports.sdk.get(callee.text);
  if (!ts.isPropertyAccessExpression(callee)) return undefined;
  const owner = callee.expression;
  if (ts.isIdentifier(owner) && imports.sdk.get(owner.text) === '*') return callee.name.text;
  return callee.name.text === 'cls' && mayBeApp(owner, imports) ? 'cls' : undefined;
}
