import ts from 'typescript';

import { lineOf } from './registration-calls.ts';

/** A function that an image runs, as far as a change of it has to run it again. */
export interface RunFunctionCall {
  /** 1-based line of the word `runFunction`. */
  line: number;
  /** The function, and the variables of modules that it names, and those that these name. */
  text: string;
}

/** Finds the calls of `runFunction` in a file whose function the compiler can follow. */
export function findRunFunctions(source: ts.SourceFile, checker: ts.TypeChecker): RunFunctionCall[] {
  const found: RunFunctionCall[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { name } = node.expression;
      const fn = name.text === 'runFunction' ? node.arguments[0] : undefined;
      const text = fn && new SourceText(checker).of(fn);
      if (text !== undefined) found.push({ line: lineOf(source, name), text });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Collects the text of a function and of the module variables that it names, without comments. */
class SourceText {
  readonly #checker: ts.TypeChecker;
  readonly #printer = ts.createPrinter({ removeComments: true });
  readonly #variables = new Map<ts.VariableDeclaration, string>();

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  of(expression: ts.Expression): string | undefined {
    const fn = this.#functionOf(expression);
    if (!fn) return undefined;
    this.#collectVariables(fn);
    return [this.#print(fn), ...[...this.#variables.values()].sort()].join('\n');
  }

  #functionOf(expression: ts.Expression): ts.Node | undefined {
    if (isFunction(expression)) return expression;
    const declaration = ts.isIdentifier(expression) ? this.#declarationOf(expression) : undefined;
    if (!declaration) return undefined;
    if (ts.isFunctionDeclaration(declaration)) return declaration;
    const value = ts.isVariableDeclaration(declaration) ? declaration.initializer : undefined;
    return value && this.#functionOf(value);
  }

  #collectVariables(node: ts.Node): void {
    if (ts.isIdentifier(node)) {
      const declaration = this.#declarationOf(node);
      if (declaration && isModuleVariable(declaration)) this.#add(declaration);
    }
    ts.forEachChild(node, (child) => this.#collectVariables(child));
  }

  #add(declaration: ts.VariableDeclaration): void {
    const { initializer } = declaration;
    // What a function that is only called does is its own affair.
    if (this.#variables.has(declaration) || (initializer && isFunction(initializer))) return;
    this.#variables.set(declaration, this.#print(declaration));
    if (initializer) this.#collectVariables(initializer);
  }

  #declarationOf(name: ts.Identifier): ts.Declaration | undefined {
    const symbol = ts.isShorthandPropertyAssignment(name.parent)
      ? this.#checker.getShorthandAssignmentValueSymbol(name.parent)
      : this.#checker.getSymbolAtLocation(name);
    if (!symbol) return undefined;
    const target = symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol;
    return target.valueDeclaration;
  }

  #print(node: ts.Node): string {
    return this.#printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile());
  }
}

function isFunction(node: ts.Node): boolean {
  return ts.isArrowFunction(node) || ts.isFunctionExpression(node);
}

function isModuleVariable(node: ts.Declaration): node is ts.VariableDeclaration {
  if (!ts.isVariableDeclaration(node)) return false;
  return ts.isVariableStatement(node.parent.parent) && ts.isSourceFile(node.parent.parent.parent);
}
