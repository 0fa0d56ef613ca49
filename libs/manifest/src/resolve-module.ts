import { join, resolve } from 'node:path';

import { NotFoundError } from '@gantry/protocol';

/**
 * Finds the file of a module as an `import` in the folder would: a package of `node_modules` or the workspace, a
 * path of `tsconfig.json`, or `./` and `../` with or without extension.
 *
 * @throws NotFoundError if the import would lead nowhere.
 *
 * @example
 * ```ts
 * await resolveModule('@acme/ocr', process.cwd()); // '/home/ada/shop/libs/ocr/src/index.ts'
 * ```
 */
export async function resolveModule(specifier: string, folder: string): Promise<string> {
  const { ResolverFactory } = await import('rolldown/experimental');
  const resolver = new ResolverFactory({
    tsconfig: 'auto',
    conditionNames: ['import', 'module', 'node', 'default'],
    mainFields: ['module', 'main'],
    extensions: ['.ts', '.mts', '.tsx', '.js', '.mjs'],
    extensionAlias: { '.js': ['.ts', '.tsx', '.js'], '.mjs': ['.mts', '.mjs'] },
  });
  // The importing file need not exist; it tells where tsconfig.json is looked for.
  const found = resolver.resolveFileSync(join(resolve(folder), 'import.ts'), specifier);
  if (found.path !== undefined) return found.path;
  throw new NotFoundError(`the module "${specifier}" cannot be found from "${folder}"`, {
    hint: 'Write it as an import would, such as @acme/ocr or ./src/app.',
  });
}
