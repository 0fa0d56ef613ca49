import { type AppInterface, type FunctionInterface, InvalidError, type TypeSpec } from '@gantry/protocol';
import ts from 'typescript';

export interface ClientSourceOptions {
  /** Written into the handles. @defaultValue the environment of whoever uses the client */
  environment?: string | undefined;
}

/**
 * TypeScript for those who call an app and do not have its sources: a handle for each function and class, with the types
 * of arguments and results. Importing it does no I/O.
 *
 * @throws InvalidError if a type of the app is none: text that others deployed goes no further unread.
 *
 * @example
 * ```ts
 * clientSource({ app: 'maths', functions: [square], … });
 * // export const square = RemoteFunction.fromName<(x: number) => Promise<number>>('maths', 'square');
 * ```
 */
export function clientSource(app: AppInterface, options: ClientSourceOptions = {}): string {
  const names = new Names();
  const units = app.functions.map((unit) =>
    unit.kind === 'class'
      ? classText(unit, { app, names, options })
      : functionText(unit, { app, names, options }),
  );
  const types = Object.entries(app.types).map(([name, text]) => typeDeclaration(name, text, app.app));
  const imported = [
    ...(app.functions.some(({ kind }) => kind === 'class') ? ['Cls'] : []),
    ...(app.functions.some(({ kind }) => kind === 'function') ? ['RemoteFunction'] : []),
  ];
  const parts = [
    `// What can be called of the app "${app.app}", version ${app.version} in environment "${app.environment}".\n` +
      `// Written by \`gantry app client ${app.app}\`: write it again when the app has changed.`,
    ...(imported.length > 0 ? [`import { ${imported.join(', ')} } from 'gantry';`] : ['export {};']),
    ...types,
    ...units,
  ];
  return `${parts.join('\n\n')}\n`;
}

interface Surroundings {
  app: AppInterface;
  names: Names;
  options: ClientSourceOptions;
}

function functionText(unit: FunctionInterface, { app, names, options }: Surroundings): string {
  const [method] = unit.methods;
  const type = printed(method ? signatureOf(method) : 'never', app.app);
  return `${docText(unit.doc)}export const ${names.of(unit.name)} = RemoteFunction.fromName<${type}>(${where(app.app, unit.name, options)});`;
}

function classText(unit: FunctionInterface, { app, names, options }: Surroundings): string {
  const value = names.of(unit.name);
  const type = Object.hasOwn(app.types, value) ? `${value}Methods` : value;
  const parameters = unit.parameters.map(
    ({ name, type: spec, doc }) => `${docText(doc, '  ')}  ${key(name)}: ${parameterType(spec)};`,
  );
  const methods = unit.methods.map(
    (method) =>
      `${docText(method.doc, '  ')}  ${key(method.name)}: ${printed(signatureOf(method), app.app)};`,
  );
  const body = [...parameters, ...methods].join('\n');
  return (
    `${docText(unit.doc)}export interface ${type} {\n${body}\n}\n` +
    `export const ${value} = Cls.fromName<abstract new () => ${type}>(${where(app.app, unit.name, options)});`
  );
}

function where(app: string, name: string, { environment }: ClientSourceOptions): string {
  const more = environment === undefined ? '' : `, { environment: ${quoted(environment)} }`;
  return `${quoted(app)}, ${quoted(name)}${more}`;
}

function signatureOf({ signature, handlerKind }: FunctionInterface['methods'][number]): string {
  if (signature !== undefined) return signature;
  const result = handlerKind.toLowerCase().endsWith('generator')
    ? 'AsyncGenerator<unknown>'
    : 'Promise<unknown>';
  return `(...args: unknown[]) => ${result}`;
}

function parameterType(spec: TypeSpec): string {
  switch (spec.type) {
    case 'integer':
      return 'number';
    case 'bytes':
      return 'Uint8Array';
    case 'enum':
      return spec.values.map((value) => JSON.stringify(value)).join(' | ');
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
      return spec.type;
    default:
      return 'string | number | boolean | bigint | Uint8Array';
  }
}

function typeDeclaration(name: string, text: string, app: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(name)) throw unreadable(name, app);
  return `export type ${name} = ${printed(text, app)};`;
}

/** The same type as the compiler writes it, which shows that it is one type and nothing else. */
function printed(text: string, app: string): string {
  const source = ts.createSourceFile('type.ts', `type It = ${text};`, ts.ScriptTarget.ESNext, true);
  const [only, ...others] = source.statements;
  const { diagnostics = [] } = ts.transpileModule(source.text, { reportDiagnostics: true });
  if (diagnostics.length > 0 || others.length > 0 || !only || !ts.isTypeAliasDeclaration(only)) {
    throw unreadable(text, app);
  }
  const written = ts
    .createPrinter({ removeComments: true })
    .printNode(ts.EmitHint.Unspecified, only.type, source);
  return written.replaceAll(/^ +/gm, (indent) => indent.slice(indent.length / 2));
}

function unreadable(text: string, app: string): InvalidError {
  return new InvalidError(`the app "${app}" has a type that is none: ${text.slice(0, 100)}`, {
    hint: 'Deploy it again with this version of Gantry.',
  });
}

function docText(doc: string | undefined, indent = ''): string {
  if (doc === undefined) return '';
  const lines = doc.replaceAll('*/', '* /').split('\n');
  if (lines.length === 1) return `${indent}/** ${lines[0] ?? ''} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}

function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name);
}

function quoted(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll("'", "\\'").replaceAll('\\"', '"')}'`;
}

/** Names for constants, each once: what a function is called need not be a name in TypeScript. */
class Names {
  readonly #taken = new Set(['Cls', 'RemoteFunction']);

  of(name: string): string {
    const camel = name.replaceAll(/[^A-Za-z0-9_$]+(.)?/g, (_, next: string | undefined) =>
      (next ?? '').toUpperCase(),
    );
    const begun = /^[A-Za-z_$]/.test(camel) ? camel : `_${camel}`;
    const isWord = ts.identifierToKeywordKind(ts.factory.createIdentifier(begun)) !== undefined;
    let free = isWord ? `${begun}_` : begun;
    while (this.#taken.has(free)) free = `${free}_`;
    this.#taken.add(free);
    return free;
  }
}
