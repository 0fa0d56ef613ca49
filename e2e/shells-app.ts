import { App } from 'gantry';

export const app = new App('shells');

/** Its one container is there before anybody calls. */
export const keep = app.function({ minContainers: 1, env: { FLAVOUR: 'mint' } }, async (word: string) => {
  console.log(`heard ${word}`);
  return word.length;
});

export const rest = app.function({ env: { FLAVOUR: 'vanilla' } }, async () => 1);
