import type { Json } from '@gantry/protocol';
import ts from 'typescript';

/** The value of an expression that is written out in full, or undefined for one that has to be computed. */
export function literalValue(node: ts.Expression): Json | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
  if (node.kind === ts.SyntaxKind.FalseKeyword) return false;
  if (node.kind === ts.SyntaxKind.NullKeyword) return null;
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) {
    return literalValue(node.expression);
  }
  if (ts.isPrefixUnaryExpression(node)) return signedNumber(node);
  if (ts.isArrayLiteralExpression(node)) return literalArray(node);
  if (ts.isObjectLiteralExpression(node)) return literalObject(node);
  return undefined;
}

function signedNumber(node: ts.PrefixUnaryExpression): number | undefined {
  const value = literalValue(node.operand);
  if (typeof value !== 'number') return undefined;
  if (node.operator === ts.SyntaxKind.MinusToken) return -value;
  return node.operator === ts.SyntaxKind.PlusToken ? value : undefined;
}

function literalArray(node: ts.ArrayLiteralExpression): Json[] | undefined {
  const values: Json[] = [];
  for (const element of node.elements) {
    const value = literalValue(element);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

function literalObject(node: ts.ObjectLiteralExpression): Record<string, Json> | undefined {
  const values: Record<string, Json> = {};
  for (const property of node.properties) {
    if (!ts.isPropertyAssignment(property) || ts.isComputedPropertyName(property.name)) return undefined;
    const value = literalValue(property.initializer);
    if (value === undefined) return undefined;
    values[property.name.text] = value;
  }
  return values;
}
