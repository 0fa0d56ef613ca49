import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { temporaryDirectory } from '@gantry/testing';
import { expect, test } from 'vitest';
import { ROOT } from './paths.mjs';

const LIMIT_MS = 120_000;
const BASE = {
  target: 'es2022',
  lib: ['esnext'],
  types: ['node'],
  strict: true,
  noEmit: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
};
const STRICTEST = {
  exactOptionalPropertyTypes: true,
  isolatedModules: true,
  verbatimModuleSyntax: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noUnusedLocals: true,
};
const NODE = { module: 'nodenext' };
const BUNDLER = { module: 'esnext', moduleResolution: 'bundler' };

const WRONG = `
import { App, Dict, method, Queue } from 'gantry';
const app = new App('wrong');
const square = app.function({ timeoutMs: 1_000 }, async (x: number): Promise<number> => x * x);
@app.cls({ cpu: 1 }) class Greeter { @method() async greet(name: string): Promise<string> { return name; } }
export async function wrong() {
  await square.remote('7');
  square.map(['1']);
  await app.instance(Greeter).greet.remote(7);
  await Dict.fromName<string, number>('d').put('a', 'b');
  await Queue.fromName<{ url: string }>('q').put({ uri: 'x' });
  app.function({ timeout: 1 }, async () => 1);
  const text: string = await square.remote(7);
  return text;
}
`;

/** A project elsewhere, to which `gantry` is linked as npm does it. */
async function aProject(files) {
  const directory = await temporaryDirectory();
  await mkdir(join(directory.path, 'node_modules'));
  await symlink(join(ROOT, 'libs/sdk'), join(directory.path, 'node_modules/gantry'));
  for (const name of ['@types', 'hono', 'undici-types']) {
    await symlink(join(ROOT, 'node_modules', name), join(directory.path, 'node_modules', name));
  }
  await writeFile(join(directory.path, 'package.json'), '{ "type": "module" }');
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory.path, name), text);
  return directory;
}

/** What the compiler says, by line: `app.ts:7: …`. */
function mistakesIn(directory, compilerOptions) {
  const config = { compilerOptions, include: ['*.ts'] };
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, directory.path);
  const program = ts.createProgram(fileNames, options);
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file === undefined ? '' : file.getLineAndCharacterOfPosition(start).line;
    const name = file?.fileName.replace(`${directory.path}/`, '');
    return `${name}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

async function codeOf(page) {
  const text = await readFile(join(ROOT, 'docs/guide', page), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code).join('\n');
}

test.each([
  ['nodenext', { ...NODE, skipLibCheck: true }],
  ['bundler', { ...BUNDLER, skipLibCheck: true }],
  ['nodenext, as strict as can be', { ...NODE, ...STRICTEST }],
  ['bundler, as strict as can be', { ...BUNDLER, ...STRICTEST }],
])(
  'the code of the guide compiles in a project of somebody else: %s',
  { timeout: LIMIT_MS },
  async (_, options) => {
    const pages = ['functions', 'classes', 'images', 'data', 'apps', 'web'];
    const codes = await Promise.all(pages.map(async (page) => [`${page}.ts`, await codeOf(`${page}.md`)]));
    await using project = await aProject(Object.fromEntries(codes));

    expect(mistakesIn(project, { ...BASE, ...options })).toEqual([]);
  },
);

test('wrong arguments, options and values are mistakes there, too', { timeout: LIMIT_MS }, async () => {
  await using project = await aProject({ 'wrong.ts': WRONG });

  const lines = mistakesIn(project, { ...BASE, ...NODE }).map((text) => text.split(':')[1]);

  expect(lines).toEqual(['6', '7', '8', '9', '10', '11', '12']);
});
