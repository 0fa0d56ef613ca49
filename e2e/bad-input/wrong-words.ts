// What somebody may type, send or throw by mistake or on purpose, and what is said to it.

import { REPOSITORY } from '../platform.ts';

/** The app with all that user code may do. */
export const HOSTILE_ENTRY = 'e2e/bad-input/hostile-app.ts';

/** Command lines about the entry of the hostile app, with their exit codes and a part of what is printed. */
export const WRONG_COMMANDS: [args: string[], code: number, message: string][] = [
  [['deplyo'], 2, 'Did you mean deploy?'],
  [['--nonsense'], 2, '--nonsense'],
  [['deploy', '--env'], 2, '--env'],
  [['deploy', 'missing.ts'], 1, 'missing.ts'],
  [['deploy', 'docs'], 1, 'no entry'],
  [['app', 'list', '--env', 'a/b'], 1, 'the environment name "a/b" is not valid'],
  [['app', 'stop', '☃'], 1, 'app "☃" does not exist'],
  [['app', 'stop', '../../x'], 1, 'does not exist'],
  [['app', 'logs', 'hostile', '--since', 'garbage'], 2, '--since'],
  [['run', `${HOSTILE_ENTRY}::__proto__`], 2, 'nothing called "__proto__"'],
  [['run', `${HOSTILE_ENTRY}::plusOne`, '--x'], 2, '--x needs a value'],
  [['run', `${HOSTILE_ENTRY}::plusOne`, '--x', '1', '--y', '2'], 2, 'unknown flag "--y"'],
  [['run', `${HOSTILE_ENTRY}::trick`, '--name', 'thrown undefined'], 1, 'threw undefined'],
  [['up', '--port', '70000'], 2, '--port must be a whole number'],
  [['up', '--port', 'abc'], 2, '--port must be a whole number'],
  [['up', '--data-dir', `${REPOSITORY}/package.json`], 1, 'cannot be used'],
  [['up', '--data-dir', '/proc/gantry'], 1, 'cannot be used'],
];

/** Contents of `connection.json`. */
export const WRONG_CONNECTIONS: [content: string, message: string][] = [
  ['', 'is not valid JSON'],
  ['null', 'does not say how to reach'],
  ['{"serverUrl":5,"token":"x"}', 'does not say how to reach'],
  ['{"serverUrl":"nonsense","token":"x"}', 'the server URL "nonsense" is not valid'],
  [String.raw`{"serverUrl":"http://127.0.0.1:1","token":"a\nb"}`, 'the token holds'],
  ['{"serverUrl":"http://127.0.0.1:1","token":"x"}', 'cannot be reached'],
];

/** Requests to the API of a server, with their status. */
export const WRONG_REQUESTS: [path: string, init: RequestInit, status: number][] = [
  ['/v1/apps', { headers: { authorization: '' } }, 401],
  ['/v1/apps', { headers: { authorization: 'Bearer wrong' } }, 401],
  ['/v1/apps', { method: 'DELETE' }, 404],
  ['/v1/nothing', {}, 404],
  ['/v1/apps/%00', {}, 404],
  ['/v1/apps/a%20b', {}, 404],
  ['/v1/apps/*', {}, 404],
  ['/v1/apps/%E2%98%83/logs', {}, 404],
  ['/v1/apps/%3E/stop', { method: 'POST' }, 404],
  ['/v1/apps/%zz', {}, 404],
  ['/v1/apps/__proto__', {}, 404],
  ['/v1/apps/..%2f..%2fetc%2fpasswd', {}, 404],
  ['/v1/apps/hostile/functions/__proto__', {}, 404],
  ['/v1/apps/hostile/logs?since=garbage', {}, 400],
  ['/v1/blobs/..%2f..%2ftoken', {}, 400],
  [`/v1/blobs/sha256-${'0'.repeat(64)}`, {}, 404],
  [`/v1/blobs/sha256-${'0'.repeat(64)}`, { method: 'PUT', body: 'other' }, 400],
  ['/v1/deployments', { method: 'POST', body: '{' }, 400],
  ['/v1/deployments', { method: 'POST', body: 'null' }, 400],
  ['/v1/deployments', { method: 'POST', body: '{"__proto__":{"a":1}}' }, 400],
  ['/v1/deployments', { method: 'POST', body: '['.repeat(100_000) + ']'.repeat(100_000) }, 400],
  [
    '/v1/deployments',
    { method: 'POST', body: `${'{"manifest":'.repeat(20_000)}1${'}'.repeat(20_000)}` },
    400,
  ],
  ['/v1/deployments', { method: 'POST', body: 'x'.repeat(9_000_000) }, 413],
];
