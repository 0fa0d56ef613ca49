import { expect, it } from 'vitest';

import { printPageLink } from './page-link.ts';
import { createStyle } from './terminal/style.ts';

it('an app is seen at the address of the server, which says where on it', () => {
  const notes: string[] = [];
  const terminal = { note: (line: string) => void notes.push(line), noteStyle: createStyle(false) };
  printPageLink(terminal, { serverUrl: 'https://gantry.example:7420' }, { pagePath: '/apps/acme/main/shop' });
  expect(notes).toEqual(['  View it at https://gantry.example:7420/apps/acme/main/shop']);
});
