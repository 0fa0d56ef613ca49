// What compilers of other projects read of `gantry`: its types alone. They know neither this repository's compiler options nor its
// import paths, under which its sources are written. A program of its own, so that the bundles are made meanwhile.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { ROOT } from './paths.mjs';

const LIBS = join(ROOT, 'libs');
const PROTOCOL = 'protocol/src/index.ts';
// What is first found as a package is nobody's to declare.
const ROOTS = [PROTOCOL, 'sdk/src/index.ts'].map((path) => join(LIBS, path));

await writeDeclarations(process.argv[2]);

/** Writes the declarations of `gantry`, and those that they need of `@gantry/protocol`, below a folder. */
async function writeDeclarations(folder) {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.base.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const program = ts.createProgram(ROOTS, {
    ...options,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    outDir: folder,
    rootDir: LIBS,
  });
  const written = [];
  const { diagnostics } = program.emit(undefined, (path, text) => written.push([path, text]));
  if (diagnostics.length > 0) throw new Error(ts.formatDiagnostics(diagnostics, formatHost));
  for (const [path, text] of written) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, withOwnProtocol(text, relative(folder, path)));
  }
}

/** No other project has `@gantry/protocol`: it goes along. */
function withOwnProtocol(text, path) {
  return text.replaceAll(/(['"])@gantry\/protocol\1/g, `'${relative(dirname(path), PROTOCOL)}'`);
}

const formatHost = {
  getCanonicalFileName: (path) => path,
  getCurrentDirectory: () => ROOT,
  getNewLine: () => '\n',
};
