import { readdirSync, writeFileSync } from 'node:fs';

import { App, type Dict } from 'gantry';

const app = new App('dict-tables');

/** Where containers of an OCI runtime see tables. */
const SHOWN = '/opt/gantry/late/shown';

/** Reads again and again until it sees `last`, and says what it saw, and how often other work had a turn meanwhile. */
export const follow = app.function(async (dict: Dict<string, number>, last: number) => {
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  const seen: number[] = [];
  for (let value = -1; value !== last;) {
    value = (await dict.get('number')) ?? -1;
    if (value !== seen.at(-1)) seen.push(value);
  }
  clearInterval(timer);
  return { seen, turns };
});

/** Reads one key often enough that there is a table, and then once more for each of the others. */
export const read = app.function({ maxContainers: 1 }, async (dict: Dict<string, number>, key: string) => {
  for (let times = 0; times < 10; times++) await dict.get(key);
  return { value: await dict.get(key), has: await dict.has(key) };
});

/** Reads what it has written; says where it found something else. */
export const own = app.function(async (dict: Dict<string, number>) => {
  const wrong: string[] = [];
  for (let number = 0; number < 300; number++) {
    await dict.put('own', number);
    const found = await dict.get('own');
    if (found !== number) wrong.push(`${number}: ${found}`);
  }
  return wrong;
});

/** What the container sees of tables: their names, and what writing to one of them comes to. */
export const look = app.function(async (dict: Dict<string, number>) => {
  for (let times = 0; times < 10; times++) await dict.get('number');
  const names = readdirSync(SHOWN);
  const attempts = [...names.map((name) => `${SHOWN}/${name}`), `${SHOWN}/new`].map((path) => {
    try {
      writeFileSync(path, 'x', { flag: 'r+' });
      return 'written';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code;
    }
  });
  return { names, attempts };
});
