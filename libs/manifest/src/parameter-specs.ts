import type { ParameterSpec } from '@gantry/protocol';
import ts from 'typescript';

import { docOf, optionality, type TypeReader } from './type-spec.ts';

/** The parameters of a signature, in order. A destructured one is called by its position. */
export function readParameters(
  signature: ts.Signature,
  at: ts.Node,
  { checker, types }: { checker: ts.TypeChecker; types: TypeReader },
): ParameterSpec[] {
  return signature.getParameters().map((symbol, index) => {
    const declaration = symbol.valueDeclaration;
    const isParameter = declaration !== undefined && ts.isParameter(declaration);
    const isNamed = isParameter ? ts.isIdentifier(declaration.name) : true;
    const isRest = isParameter && declaration.dotDotDotToken !== undefined;
    const type = checker.getTypeOfSymbolAtLocation(symbol, declaration ?? at);
    const { optional, ...fallback } = optionality(symbol, declaration, type);
    return {
      name: isNamed ? symbol.name : `arg${index}`,
      type: types.ofDeclaration(symbol, declaration ?? at),
      optional: optional || isRest,
      ...fallback,
      ...(isRest ? { rest: true } : {}),
      ...docOf(symbol, checker),
    };
  });
}
