import { App, Period } from 'gantry';

// Apart from the load, which is deployed again and again: a deploy starts periods anew.
export const app = new App('ticks');

export const tick = app.function({ schedule: new Period({ seconds: 2 }) }, async () => 'tick');
