import { enableCompileCache } from 'node:module';

// Before anything else is imported: the cache serves only modules that load after this.
enableCompileCache(process.env['GANTRY_COMPILE_CACHE']);
process.setSourceMapsEnabled(true);

// `IMAGE_FUNCTION_FLAG`; nothing is imported for it, as everything that is imported takes time to start.
if (process.argv[2] === '--image-function') {
  const { runImageFunction } = await import('./image-function.ts');
  // Whatever its code left running, such as timers, ends with it.
  process.exit(await runImageFunction(process.argv.slice(3)));
}
const { startRunner } = await import('./start.ts');
startRunner();
