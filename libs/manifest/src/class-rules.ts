import ts from 'typescript';

import type { Mistake } from './mistake.ts';
import { lineOf } from './registration-calls.ts';
import { sdkDecorators, type SdkDecorator } from './sdk-decorators.ts';
import type { UserFile } from './source-files.ts';

const MEMBER_DECORATORS = new Set([
  'method',
  'enter',
  'exit',
  'parameter',
  'fastapiEndpoint',
  'asgiApp',
  'wsgiApp',
  'webServer',
  'batched',
]);
/** Decorators whose methods take inputs or requests. */
const CALLABLE = new Set(['method', 'batched', 'fastapiEndpoint', 'asgiApp', 'wsgiApp', 'webServer']);
/** Decorators of classes that count for all methods. */
const FOR_WHOLE_CLASSES = new Set(['concurrent', 'clustered']);
const HOOKS = ['enter', 'exit'];

/** What the classes of one file get wrong, as far as their syntax shows. */
export function classMistakes(file: UserFile, isExtended: (node: ts.ClassDeclaration) => boolean): Mistake[] {
  const mistakes: Mistake[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isClassLike(node)) checkClass({ file, node, mistakes, isExtended });
    ts.forEachChild(node, visit);
  };
  visit(file.source);
  return mistakes;
}

interface ClassCheck {
  file: UserFile;
  node: ts.ClassLikeDeclaration;
  mistakes: Mistake[];
  isExtended: (node: ts.ClassDeclaration) => boolean;
}

function checkClass(check: ClassCheck): void {
  const { file, node } = check;
  const decorators = sdkDecorators(node, file.imports);
  const isApp = decorators.some(({ name }) => name === 'cls');
  for (const decorator of decorators) checkParentheses(decorator, check);
  if (isApp && !isInjected(node, file)) checkConstructor(check);
  const mayStandAlone = isApp || !ts.isClassDeclaration(node) || isAbstract(node) || check.isExtended(node);
  for (const member of node.members) {
    const found = sdkDecorators(member, file.imports);
    for (const decorator of found) {
      checkParentheses(decorator, check);
      if (!mayStandAlone) checkHome(decorator, check);
    }
    checkMember(member, found, check);
  }
  checkBatched(check);
}

function checkConstructor(check: ClassCheck): void {
  const found = check.node.members.find((member) => ts.isConstructorDeclaration(member) && member.body);
  if (!found || !ts.isConstructorDeclaration(found)) return;
  if (found.parameters.length === 0 && found.body?.statements.length === 0) return;
  report(check, found, {
    what: `the app class "${className(check)}" has a constructor of its own`,
    hint: 'Declare values with @parameter() and do the work in an @enter() method. Only a class that tsyringe makes (`@injectable()`, and `construct` in the options of its app) may have one.',
  });
}

/** Marked for a library that makes instances, by a decorator that is not the SDK's. */
function isInjected(node: ts.ClassLikeDeclaration, { imports }: UserFile): boolean {
  const decorators = ts.canHaveDecorators(node) ? (ts.getDecorators(node) ?? []) : [];
  const own = sdkDecorators(node, imports);
  return decorators.some((decorator) => !own.some(({ node: known }) => known === decorator));
}

function checkParentheses(decorator: SdkDecorator, check: ClassCheck): void {
  if (decorator.isCalled || !(MEMBER_DECORATORS.has(decorator.name) || isClassDecorator(decorator.name)))
    return;
  const written = decorator.node.expression.getText(check.file.source);
  report(check, decorator.node, {
    what: `the decorator "@${written}" is used without parentheses`,
    hint: `Write @${written}().`,
  });
}

function checkHome(decorator: SdkDecorator, check: ClassCheck): void {
  if (!MEMBER_DECORATORS.has(decorator.name)) return;
  report(check, decorator.node, {
    what: `"@${decorator.name}" stands in the class "${className(check)}", which is no app class`,
    hint: 'Put @app.cls() above the class.',
  });
}

function checkMember(member: ts.ClassElement, decorators: SdkDecorator[], check: ClassCheck): void {
  const has = (name: string): SdkDecorator | undefined =>
    decorators.find((decorator) => decorator.name === name);
  const name = member.name?.getText(check.file.source) ?? '';
  for (const decorator of decorators.filter((one) => FOR_WHOLE_CLASSES.has(one.name))) {
    report(check, decorator.node, {
      what: `"@${decorator.name}" stands above the method "${name}"`,
      hint: `Put it above the class "${className(check)}": it counts for all methods.`,
    });
  }
  for (const hookName of HOOKS) {
    const hook = has(hookName);
    if (!hook) continue;
    const other = decorators.find(({ name: decorator }) => CALLABLE.has(decorator));
    if (other) {
      report(check, hook.node, {
        what: `"${name}" is both "@${hookName}" and "@${other.name}"`,
        hint: 'Split it into a hook and a method.',
      });
    }
    if (ts.isMethodDeclaration(member) && member.parameters.length > 0) {
      report(check, hook.node, {
        what: `the "@${hookName}" method "${name}" takes parameters`,
        hint: 'Hooks are called without arguments; read class parameters from `this`.',
      });
    }
  }
  const [first] = decorators.filter((decorator) => MEMBER_DECORATORS.has(decorator.name));
  if (first && isStatic(member)) {
    report(check, first.node, {
      what: `"@${first.name}" stands above the static member "${name}"`,
      hint: 'Remove `static`.',
    });
  }
}

function checkBatched(check: ClassCheck): void {
  const { file, node } = check;
  const callable = node.members.flatMap((member) => {
    const found = sdkDecorators(member, file.imports).filter(({ name }) => CALLABLE.has(name));
    return found.length > 0 ? [{ name: member.name?.getText(file.source) ?? '', found }] : [];
  });
  const isBatched = ({ found }: (typeof callable)[number]): boolean =>
    found.some(({ name }) => name === 'batched');
  const batched = callable.find(isBatched);
  if (!batched) return;
  for (const { name, found } of callable) {
    const [first] = found;
    if (!first) continue;
    if (name !== batched.name) {
      report(check, first.node, {
        what: `"${name}" stands next to the batched method "${batched.name}" of "${className(check)}"`,
        hint: 'A batched method is the only method of its class: move the other one to a class of its own.',
      });
    }
    const other = found.find((decorator) => decorator.name !== 'batched');
    if (found.length > 1 && other && isBatched({ name, found })) {
      report(check, other.node, {
        what: `"${name}" is both "@batched" and "@${other.name}"`,
        hint: `Remove @${other.name}(): a batched method is callable by itself, one input at a time.`,
      });
    }
  }
}

function report(check: ClassCheck, node: ts.Node, mistake: Pick<Mistake, 'what' | 'hint'>): void {
  check.mistakes.push({ file: check.file.display, line: lineOf(check.file.source, node), ...mistake });
}

function className({ node }: ClassCheck): string {
  return node.name?.text ?? 'anonymous class';
}

function isClassDecorator(name: string): boolean {
  return name === 'cls' || FOR_WHOLE_CLASSES.has(name);
}

function isAbstract(node: ts.ClassDeclaration): boolean {
  return (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Abstract) !== 0;
}

function isStatic(member: ts.ClassElement): boolean {
  return (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Static) !== 0;
}
