import { enableCompileCache } from 'node:module';

// Before anything else is imported: the cache serves only modules that load after this.
enableCompileCache(process.env['GANTRY_COMPILE_CACHE']);
process.setSourceMapsEnabled(true);

const { startRunner } = await import('./start.ts');
startRunner();
