import { expect, it } from 'vitest';

import { parseGpuUse } from './gpu-watch.ts';

it('how a GPU is stands in a line, in which some things may be unknown', () => {
  // As driver 580.159.04 writes it of an H200.
  expect(parseGpuUse('0, 0, 0, 79.76, 700.00, 37')).toEqual({
    ...{
      index: 0,
      busy: 0,
      memoryUsedMiB: 0,
      powerWatts: 79.76,
      powerLimitWatts: 700,
      temperatureCelsius: 37,
    },
  });
  expect(parseGpuUse('1, 93, 40211, [N/A], [N/A], 61')).toEqual({
    ...{ index: 1, busy: 0.93, memoryUsedMiB: 40_211, temperatureCelsius: 61 },
    ...{ powerWatts: undefined, powerLimitWatts: undefined },
  });
  expect(parseGpuUse('Unable to determine the device handle for GPU 0000:3B:00.0')).toBeUndefined();
});
