import { expect, it } from 'vitest';

import { failedStart, UNSTARTABLE_IMAGE_HINT } from './launch.ts';

it('a start that failed is about the image, if its first program is not there, and else about the machine', () => {
  const missing = failedStart(
    '[FATAL tini (2)] exec /opt/gantry/bin/node failed: No such file or directory\n',
  );
  expect(missing.hint).toBe(UNSTARTABLE_IMAGE_HINT);
  expect(missing.message).toContain('exec /opt/gantry/bin/node failed: No such file or directory');
  expect(failedStart('').message).toContain('its runtime did not say why');
  expect(failedStart('runc: no cgroup').hint).toContain('gantry doctor');
});
