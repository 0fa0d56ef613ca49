import { expect, it } from 'vitest';

import { gpuType, parseGpus } from './local-gpus.ts';

it.each([
  ['NVIDIA A100-SXM4-80GB', 'A100-80GB'],
  ['NVIDIA A100-PCIE-40GB', 'A100-40GB'],
  ['NVIDIA H100 80GB HBM3', 'H100-80GB'],
  ['NVIDIA H100 PCIe', 'H100'],
  ['NVIDIA H200', 'H200'],
  ['NVIDIA B200', 'B200'],
  ['Tesla T4', 'T4'],
  ['NVIDIA L40S', 'L40S'],
  ['NVIDIA A10G', 'A10G'],
  ['NVIDIA GeForce RTX 4090', 'RTX-4090'],
  ['NVIDIA RTX 6000 Ada Generation', 'RTX-6000-ADA'],
  ['NVIDIA RTX PRO 6000 Blackwell Server Edition', 'RTX-PRO-6000-BLACKWELL'],
  ['NVIDIA', 'GPU'],
])('%s is of type %s', (name, type) => {
  expect(gpuType(name)).toBe(type);
});

it('what nvidia-smi prints becomes GPUs, and other lines nothing', () => {
  const text = `0, GPU-6f1c, NVIDIA H100 80GB HBM3, 81559
1, GPU-7a2d, NVIDIA H100 80GB HBM3, 81559
Unable to determine the device handle for GPU 0000:3B:00.0: Unknown Error
2, GPU-8b3e, [N/A], [N/A]
`;
  expect(parseGpus(text)).toEqual([
    { index: 0, uuid: 'GPU-6f1c', type: 'H100-80GB', memoryMiB: 81_559 },
    { index: 1, uuid: 'GPU-7a2d', type: 'H100-80GB', memoryMiB: 81_559 },
  ]);
});

it('the GPU of a machine is what its nvidia-smi says of it', () => {
  // As driver 580.159.04 writes it.
  expect(parseGpus('0, GPU-79eb5a48-31c0-8ab4-6390-ee6ccee683ef, NVIDIA H200, 143771\n')).toEqual([
    { index: 0, uuid: 'GPU-79eb5a48-31c0-8ab4-6390-ee6ccee683ef', type: 'H200', memoryMiB: 143_771 },
  ]);
});
