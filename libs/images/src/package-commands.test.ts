import { expect, test } from 'vitest';

import { pipCommands } from './package-commands.ts';

test('a step of pip has the flags that its options stand for, before what it installs', () => {
  const [command] = pipCommands({
    ...{ type: 'pip', packages: ['numpy>=2', 'requests[socks]'], pre: true, extraOptions: '--no-deps -v' },
    ...{
      findLinks: '/wheels',
      indexUrl: 'https://a.example/simple',
      extraIndexUrl: 'https://b.example/simple',
    },
  });
  expect(command).toBe(
    'PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --root-user-action=ignore --find-links /wheels ' +
      '--index-url https://a.example/simple --extra-index-url https://b.example/simple --pre --no-deps -v ' +
      "'numpy>=2' 'requests[socks]'",
  );
});
