/** Hands a shell script to the ramdisk's /init and finds its exit status in what the console shows (init-script.ts). */
import { encodeText } from './bytes.ts';
import { concatenateCpio, FileType, writeCpio } from './cpio.ts';

/** Words of the kernel command line beyond this many bytes in all are cut off (arm64's COMMAND_LINE_SIZE). */
export const MaximumCommandLine = 2047;

/** The word for the kernel command line that has /init run the script and power off. */
export function commandWord(script: string): string {
  let binary = '';
  for (const byte of encodeText(script)) binary += String.fromCharCode(byte);
  return `hostrock.exec=${btoa(binary)}`;
}

/** The ramdisk with a script of any length for /init to run; a `commandWord` takes precedence over it. */
export function ramdiskWithCommand(ramdisk: Uint8Array, script: string): Uint8Array<ArrayBuffer> {
  const further = writeCpio([
    { path: 'hostrock', mode: FileType.Directory | 0o755 },
    { path: 'hostrock/exec', mode: FileType.Regular | 0o755, data: encodeText(script) },
  ]);
  return concatenateCpio([ramdisk, further]);
}

/** The script's exit status, from all that the console has shown; undefined until it has ended. */
export function commandStatus(console: string): number | undefined {
  const match = [...console.matchAll(/^hostrock\.exit=([0-9]{1,3})\r?$/gm)].at(-1);
  return match === undefined ? undefined : Number(match[1]);
}
