/**
 * The public keys of Debian's archive for the releases this program can boot; unstable is signed by the automatic
 * keys of the stable releases. To add a release, add its two keys from the package debian-archive-keyring.
 */
import { BookwormAutomatic, BookwormStable } from './bookworm.ts';
import { BullseyeAutomatic, BullseyeStable } from './bullseye.ts';
import { TrixieAutomatic, TrixieStable } from './trixie.ts';

export const DebianArchiveKeys: readonly string[] = [
  BullseyeAutomatic,
  BullseyeStable,
  BookwormAutomatic,
  BookwormStable,
  TrixieAutomatic,
  TrixieStable,
];
