import { App, Image } from 'gantry';

export const app = new App('bench-images');

/** How long the last step runs, whatever it is. */
export const LAST_STEP_S = 4;

const earlier = Array.from({ length: 9 }, (_, at) => `echo ${at} > /step-${at}`);
const image = earlier
  .reduce((below, command) => below.runCommands(command), Image.debianSlim())
  .runCommands(`sleep ${LAST_STEP_S}; echo ${process.env['BENCH_LAST_STEP'] ?? ''} > /last`);

export const nothing = app.function({ image }, async () => undefined);
