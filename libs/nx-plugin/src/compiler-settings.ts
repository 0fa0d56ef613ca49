import { offsetFromRoot, readJson, type Tree } from '@nx/devkit';

const BASE = 'tsconfig.base.json';

/** What decorators need, and imports by the names that files have. */
const NEEDED = {
  allowImportingTsExtensions: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
};

/** The build step makes the bundle: nothing is left for the compiler to write. */
const CHECKED_ONLY = {
  lib: ['esnext'],
  types: ['node'],
  noEmit: true,
  ...NEEDED,
  useDefineForClassFields: false,
};

/** The `tsconfig.json` of a new project: on the workspace's own settings, with what those lack that decorators need. */
export function compilerSettings(tree: Tree, root: string): object {
  const include = ['src'];
  if (!tree.exists(BASE)) {
    const compilerOptions = {
      target: 'esnext',
      module: 'preserve',
      moduleResolution: 'bundler',
      ...CHECKED_ONLY,
      strict: true,
      verbatimModuleSyntax: true,
      skipLibCheck: true,
    };
    return { compilerOptions, include };
  }
  const extended = { extends: `${offsetFromRoot(root)}${BASE}` };
  const { compilerOptions: base = {} } = readJson<{ compilerOptions?: Record<string, unknown> }>(tree, BASE);
  if (Object.entries(NEEDED).every(([name, value]) => base[name] === value)) return { ...extended, include };
  // A base for libraries, as Nx makes it, has declarations written.
  const compilerOptions = {
    ...CHECKED_ONLY,
    composite: false,
    declarationMap: false,
    emitDeclarationOnly: false,
  };
  return { ...extended, compilerOptions, include };
}
