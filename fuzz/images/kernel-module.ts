import { busyboxApplets } from '../../src/images/busybox.ts';
import { parseKernelModule } from '../../src/images/kernel-module.ts';
import { busybox, kernelModule } from '../../test/images/builders.ts';
import type { FuzzTarget } from '../target.ts';
import { accepting } from './accepting.ts';

/** The two kinds of programs that are looked into. */
export const target: FuzzTarget = {
  name: 'images/kernel-module',
  seeds: [kernelModule(['name=a', 'depends=b,c', 'alias=xen:vbd']), kernelModule([]), busybox()],
  run: accepting((input) => {
    accepting(() => parseKernelModule(input, 'fuzz'))(input);
    busyboxApplets(input, 'fuzz');
  }),
};
