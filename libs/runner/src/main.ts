import { enableCompileCache } from 'node:module';

// Before anything else is loaded: the cache serves only modules that load after this.
enableCompileCache(process.env['GANTRY_COMPILE_CACHE']);

// `IMAGE_FUNCTION_FLAG`, `COMPILE_FLAG`, and `STARTED_AHEAD_FLAG` below; nothing is imported for them, as it would take time
// to start.
if (process.argv[2] === '--image-function') void runOneFunction();
else if (process.argv[2] === '--compile') void compile();
else void run();

async function runOneFunction(): Promise<void> {
  const { runImageFunction } = await import('./image-function.ts');
  // Whatever its code left running, such as timers, ends with it.
  process.exit(await runImageFunction(process.argv.slice(3)));
}

async function compile(): Promise<void> {
  const { compileModule } = await import('./compile-module.ts');
  await compileModule(process.argv[3] ?? '');
  // With its end it writes the cache.
  process.exit(0);
}

async function run(): Promise<void> {
  const isStartedAhead = process.argv[2] === '--started-ahead';
  // The code of users has no business with it.
  if (isStartedAhead) process.argv.splice(2, 1);
  const { startRunner } = await import('./start.ts');
  startRunner({ isStartedAhead });
}
