import { NotFoundError } from '@gantry/protocol';

/** The package that an import did not find; undefined for any other failure. */
export function missingPackage(error: unknown): string | undefined {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return undefined;
  return /^Cannot find (?:package|module) '([^'./][^']*)'/.exec(String(message))?.[1];
}

/** Stands for a module that is not installed here: what uses it is told so. */
export function absentModule<TModule extends object>(
  name: string,
  { inContainer }: { inContainer: boolean },
): TModule {
  const refuse = (): never => {
    if (inContainer) {
      throw new NotFoundError(`the package "${name}" is not in the image of this container`, {
        hint: `Give the function the image that has it, or install it there: .npmInstall('${name}').`,
      });
    }
    throw new NotFoundError(
      `the package "${name}" is not installed here; only containers of its image have it`,
      {
        hint: `Call the function with .remote(...), or install it: npm install ${name}.`,
      },
    );
  };
  return new Proxy(Object.create(null) as TModule, {
    // Whoever awaits the module asks for `then`; symbols are asked for by tools.
    get: (_target, key) => (key === 'then' || typeof key === 'symbol' ? undefined : refuse()),
    has: refuse,
    ownKeys: refuse,
  });
}
