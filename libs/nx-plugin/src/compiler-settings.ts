import { offsetFromRoot, type Tree } from '@nx/devkit';

/** The `tsconfig.json` of a new project: on the workspace's own settings, or with those that decorators need. */
export function compilerSettings(tree: Tree, root: string): object {
  if (tree.exists('tsconfig.base.json')) {
    return { extends: `${offsetFromRoot(root)}tsconfig.base.json`, include: ['src'] };
  }
  return {
    compilerOptions: {
      target: 'esnext',
      module: 'preserve',
      moduleResolution: 'bundler',
      allowImportingTsExtensions: true,
      noEmit: true,
      strict: true,
      verbatimModuleSyntax: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      useDefineForClassFields: false,
      skipLibCheck: true,
    },
    include: ['src'],
  };
}
