import { readFile, writeFile } from 'node:fs/promises';
import { hostname, release } from 'node:os';

import { App, asgiApp, Secret, Volume } from 'gantry';

export const app = new App('gvisor');

const notes = Volume.fromName('gvisor-notes', { createIfMissing: true });
const secret = Secret.fromObject({ TASTE: 'mint' });

/** Which kernel a container speaks to. */
export const look = app.function({ secrets: [secret] }, (words: string) => {
  console.log(`looked for ${words}`);
  return { kernel: release(), taste: process.env['TASTE'], words };
});

export const write = app.function({ volumes: { '/notes': notes } }, async (text: string) => {
  await writeFile('/notes/today', text);
  await notes.commit();
});

/** The newest, also in a container that has read another one. */
export const read = app.function({ volumes: { '/notes': notes }, maxContainers: 1 }, async () => {
  await notes.reload();
  return { text: await readFile('/notes/today', 'utf8'), on: hostname() };
});

export const site = app.function(asgiApp({}, () => ({ fetch: () => new Response(`from ${release()}`) })));
