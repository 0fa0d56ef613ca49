import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

import { CompiledProgram } from './compiled-program.ts';
import type * as Program from './program.ts';

// What the build makes the runner of: it loads `program.ts`, bundled, as an earlier process compiled it.

/** Path of the bundle, from the folder of this program. The build puts it in. */
declare const PROGRAM: string;

const folder = process.env['GANTRY_COMPILE_CACHE'];
// Before anything else is loaded: the cache serves only modules that load after this.
enableCompileCache(folder);
const program = new CompiledProgram(join(import.meta.dirname, PROGRAM), folder);
const { runProgram } = program.load() as typeof Program;
void runProgram({ keepCompiled: () => program.keep(), importModule: (url) => import(url) });
