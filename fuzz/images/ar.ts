import { readAr } from '../../src/images/ar.ts';
import { ar } from '../../test/images/builders.ts';
import type { FuzzTarget } from '../target.ts';
import { accepting } from './accepting.ts';

export const target: FuzzTarget = {
  name: 'images/ar',
  seeds: [ar({}), ar({ 'debian-binary': '2.0\n', 'odd/': '123', even: '' })],
  run: accepting((input) => [...readAr(input, 'fuzz')]),
};
