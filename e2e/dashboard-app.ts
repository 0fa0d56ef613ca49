import { App, fastapiEndpoint, Period } from 'gantry';

const app = new App('watched');

/** Prints what would be a page's own code, if it were not text. */
export const print = app.function(async (word: string) => {
  console.log(`<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"> ${word}`);
  console.error(`\u001b[31mtrouble\u001b[0m with ${word}`);
  return word;
});

export const page = app.function(fastapiEndpoint({}, async () => ({ answer: 42 })));

export const beat = app.function({ schedule: new Period({ hours: 5 }) }, async () => 'beat');

export const main = app.localEntrypoint(async () => console.log(await print.remote('from a run')));
