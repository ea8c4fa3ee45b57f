import { FileType, readCpio, writeCpio } from '../../src/images/cpio.ts';
import { bytesOf } from '../../test/images/builders.ts';
import type { FuzzTarget } from '../target.ts';
import { accepting } from './accepting.ts';

const archive = writeCpio([
  { path: 'dev', mode: FileType.Directory | 0o755 },
  { path: 'dev/null', mode: FileType.Character | 0o666, device: [1, 3] },
  { path: 'init', mode: FileType.Regular | 0o755, data: bytesOf('#!/bin/sh\n') },
]);

export const target: FuzzTarget = {
  name: 'images/cpio',
  seeds: [archive, bytesOf(Buffer.from(archive).toString('latin1').replaceAll('070701', '070702'))],
  run: accepting((input) => [...readCpio(input, 'fuzz')]),
};
