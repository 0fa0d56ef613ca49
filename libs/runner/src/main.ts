import { enableCompileCache } from 'node:module';

// The runner from its sources. What is built starts with `boot.ts`.

// Before anything else is loaded: the cache serves only modules that load after this.
enableCompileCache(process.env['GANTRY_COMPILE_CACHE']);
void run();

async function run(): Promise<void> {
  const { runProgram } = await import('./program.ts');
  await runProgram({ keepCompiled: () => undefined, importModule: (url) => import(url) });
}
