import { expect, it } from 'vitest';

import { plainText, terminalText } from './terminal-text.ts';

const ESC = '\u001b';

it('text keeps its colours and its weight, by the names of classes', () => {
  expect(terminalText(`a ${ESC}[31mred ${ESC}[1mand bold${ESC}[0m plain ${ESC}[92mgreen${ESC}[39m!`)).toEqual(
    [
      { text: 'a ', style: '' },
      { text: 'red ', style: 'red' },
      { text: 'and bold', style: 'red bold' },
      { text: ' plain ', style: '' },
      { text: 'green', style: 'green' },
      { text: '!', style: '' },
    ],
  );
});

it('colours that the page does not have leave the text as it was, and nothing of their numbers', () => {
  expect(terminalText(`${ESC}[38;5;208morange ${ESC}[48;2;1;2;3;1mbold`)).toEqual([
    { text: 'orange ', style: '' },
    { text: 'bold', style: 'bold' },
  ]);
});

it('what only a terminal understands is left out: cursor, titles, links, bells, half sequences', () => {
  const text = [
    `${ESC}[2K${ESC}[1Gdone`,
    `${ESC}]0;title\u0007 x`,
    `${ESC}]8;;https://evil.example${ESC}\\link${ESC}]8;;${ESC}\\`,
    'b\u0008ell\u0007\r',
    `${ESC}(Bend${ESC}[3`,
  ];
  expect(plainText(text.join(' '))).toBe('done  x link bell end');
  expect(plainText(`tail${ESC}`)).toBe('tail');
  expect(plainText(`tab\there\nand there`)).toBe('tab\there\nand there');
});

it('markup stays what it is', () => {
  const markup = '<script>alert(1)</script>&amp;';
  expect(terminalText(markup)).toEqual([{ text: markup, style: '' }]);
});
