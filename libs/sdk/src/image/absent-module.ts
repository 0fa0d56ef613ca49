import { NotFoundError } from '@gantry/protocol';

/** The package that an import did not find; undefined for any other failure. */
function missingPackage(error: unknown): string | undefined {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return undefined;
  return /^Cannot find (?:package|module) '([^'./][^']*)'/.exec(String(message))?.[1];
}

/** Stands for a module that is not installed here: what uses it is told so. */
function absentModule<TModule extends object>(
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

/** Imports a module, or where it is not installed gets one that says so when something of it is used. */
export async function importWhereItIs<TModule extends object>(
  load: () => Promise<TModule>,
  where: { inContainer: boolean },
): Promise<TModule> {
  try {
    return await load();
  } catch (error) {
    const missing = missingPackage(error);
    if (missing === undefined) throw error;
    return absentModule<TModule>(missing, where);
  }
}
