import { pathToFileURL } from 'node:url';

/**
 * Has Node compile a module and all that it imports, for the compile cache of this process, and runs nothing of them.
 * A module that cannot be loaded is as good: whoever loads it to run it is told why.
 */
export async function compileModule(path: string): Promise<void> {
  // All modules are there before the first one runs, and the first one fails.
  const first = JSON.stringify(dataModule('throw undefined'));
  const second = JSON.stringify(pathToFileURL(path).href);
  await import(dataModule(`import ${first}; import ${second};`)).catch(() => undefined);
}

function dataModule(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}
