import { identifyKernel, parseKernelImage } from '../../src/images/kernel-image.ts';
import { kernelImage, zboot } from '../../test/images/builders.ts';
import type { FuzzTarget } from '../target.ts';
import { accepting } from './accepting.ts';

export const target: FuzzTarget = {
  name: 'images/kernel-image',
  seeds: [
    kernelImage({ length: 64 }),
    kernelImage({ length: 0x200, sectionEnd: 0x1200 }),
    zboot('gzip', new Uint8Array(20)),
    zboot('zstd22', new Uint8Array(20)),
  ],
  run: accepting((input) => {
    accepting(() => parseKernelImage(input, 'fuzz'))(input);
    identifyKernel(input, 'fuzz');
  }),
};
