import { configureGlobal } from 'fast-check';

/** Property tests try the same values in every run, so that a failure is there again; another seed tries others. */
configureGlobal({ seed: Number(process.env['GANTRY_FUZZ_SEED'] ?? 1) });
