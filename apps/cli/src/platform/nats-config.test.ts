import { describe, expect, test } from 'vitest';

import { natsConfig } from './nats-config.ts';
import { isAtLeast } from './nats-program.ts';

const OPTIONS = {
  dataDir: '/home/ada/my "state"',
  port: 4222,
  user: 'gantry',
  password: 'secret',
  syncAlways: true,
  version: '2.15.2',
};

describe('natsConfig', () => {
  test('listens on loopback with a password', () => {
    const config = natsConfig(OPTIONS);

    expect(config).toContain('host: "127.0.0.1"\nport: 4222\n');
    expect(config).toContain('authorization { user: "gantry", password: "secret" }');
  });

  test('acknowledges only what is on disk, unless told otherwise', () => {
    expect(natsConfig(OPTIONS)).toContain('sync_interval: always');
    expect(natsConfig({ ...OPTIONS, syncAlways: false })).not.toContain('sync_interval');
  });

  test('limits the number of log files where the server knows how', () => {
    expect(natsConfig(OPTIONS)).toContain('logfile_max_num');
    expect(natsConfig({ ...OPTIONS, version: '2.9.10' })).not.toContain('logfile_max_num');
  });

  test('quotes paths', () => {
    expect(natsConfig(OPTIONS)).toContain('store_dir: "/home/ada/my \\"state\\"/nats"');
  });
});

test.each([
  ['2.11.0', true],
  ['2.15.0', true],
  ['3.0.0', true],
  ['2.9.25', false],
  ['2.10.99', false],
  ['2.11.0-RC.1', true],
])('version %s is at least 2.11: %s', (version, expected) => {
  expect(isAtLeast(version, [2, 11])).toBe(expected);
});
