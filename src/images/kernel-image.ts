/**
 * Linux kernel images for arm64: the raw `Image` and the wrappings it is shipped in.
 *
 * Sources: Linux Documentation/arch/arm64/booting.rst ("Call the kernel image") for the header,
 * drivers/firmware/efi/libstub/zboot-header.S and Makefile.zboot for the EFI zboot container, the Microsoft PE/COFF
 * specification for the section table that EFI-capable images carry.
 */
import { decodeText, encodeText, startsWith, untilNul, viewOf } from './bytes.ts';
import { type Compression, compressionOf, type Decoders, decompressAll } from './decompress.ts';
import { formatError, ImageError } from './errors.ts';

/** The header of a raw arm64 Image; sizes and offsets in bytes. */
export interface KernelImageHeader {
  /** Distance of the image from a 2 MiB aligned base. */
  readonly textOffset: number;
  /** Memory the kernel needs from there on, at least the length of the file: it includes the zeroed part. */
  readonly imageSize: number;
  /** Undefined when the image does not say. */
  readonly pageSize: 4096 | 16384 | 65536 | undefined;
  /** The base may lie anywhere in memory, not only near its start. */
  readonly anywhere: boolean;
}

/** How a file holds a kernel: as it is, or compressed within `payload`. */
export interface KernelContainer {
  readonly form: 'raw' | 'compressed' | 'zboot';
  readonly compression: Compression;
  readonly payload: Uint8Array;
  /** Where the payload starts in the file, in bytes. */
  readonly offset: number;
}

const HeaderLength = 64;
const Arm64Magic = encodeText('ARM\x64');
const Arm64MagicOffset = 56;
const PeMachineArm64 = 0xaa64;
/** Kernels before Linux 3.17 left image_size zero and meant this text_offset. */
const LegacyTextOffset = 0x80000;
/** A kernel larger than this is damaged; Debian's largest are near 100 MiB. */
export const MaximumKernelSize = 512 * 2 ** 20;

const Mz = encodeText('MZ');
const Zimg = encodeText('zimg');
const ElfMagic = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46);

/** Files that are something else, so that the error can say what. */
const Foreign: readonly { readonly offset: number; readonly magic: Uint8Array; readonly what: string }[] = [
  { offset: 0x202, magic: encodeText('HdrS'), what: 'an x86 kernel (bzImage)' },
  { offset: 56, magic: encodeText('RSC\x05'), what: 'a RISC-V kernel' },
  { offset: 0x24, magic: Uint8Array.of(0x18, 0x28, 0x6f, 0x01), what: 'a 32-bit Arm kernel (zImage)' },
  { offset: 0, magic: Uint8Array.of(0x27, 0x05, 0x19, 0x56), what: 'a U-Boot image (uImage)' },
  { offset: 0, magic: Uint8Array.of(0xd0, 0x0d, 0xfe, 0xed), what: 'a device tree or a U-Boot FIT image' },
  { offset: 0, magic: encodeText('070701'), what: 'a cpio archive (a ramdisk?)' },
  { offset: 0, magic: encodeText('!<arch>\n'), what: 'an ar archive (a Debian package?)' },
  { offset: 0, magic: encodeText('BZh'), what: 'compressed with bzip2, which is not supported' },
  { offset: 0, magic: Uint8Array.of(0x02, 0x21, 0x4c, 0x18), what: 'compressed with lz4, which is not supported' },
  { offset: 0, magic: Uint8Array.of(0x5d, 0, 0), what: 'compressed with lzma, which is not supported' },
];

const ElfMachines: Readonly<Record<number, string>> = {
  3: 'i386',
  40: 'Arm',
  62: 'x86-64',
  183: 'AArch64',
  243: 'RISC-V',
};

function notAKernel(bytes: Uint8Array, file: string): ImageError {
  if (startsWith(bytes, ElfMagic) && bytes.length >= 20) {
    const machine = bytes[18] | (bytes[19] << 8);
    const name = ElfMachines[machine] ?? `machine ${machine}`;
    return formatError(file, 0, `an ELF file for ${name}, where an arm64 kernel Image is needed (not vmlinux)`);
  }
  const foreign = Foreign.find(({ offset, magic }) => startsWith(bytes, magic, offset));
  if (foreign !== undefined)
    return formatError(file, foreign.offset, `${foreign.what}, where an arm64 kernel is needed`);
  if (bytes.length < HeaderLength) {
    return formatError(file, bytes.length, `truncated: ${bytes.length} bytes are too short for a kernel`);
  }
  return formatError(file, Arm64MagicOffset, 'not an arm64 kernel: neither a raw Image, nor compressed, nor EFI zboot');
}

/** Offset of the PE header if the file has one within its bounds. */
function peHeader(bytes: Uint8Array): number | undefined {
  if (!startsWith(bytes, Mz) || bytes.length < HeaderLength) return undefined;
  const at = viewOf(bytes).getUint32(0x3c, true);
  return startsWith(bytes, encodeText('PE\0\0'), at) && at + 24 <= bytes.length ? at : undefined;
}

/** EFI-capable images list their sections: the file must reach to the end of each. */
function checkSections(bytes: Uint8Array, file: string): void {
  const pe = peHeader(bytes);
  if (pe === undefined) return;
  const view = viewOf(bytes);
  const machine = view.getUint16(pe + 4, true);
  if (machine !== PeMachineArm64) {
    throw formatError(
      file,
      pe + 4,
      `an EFI image for machine 0x${machine.toString(16)}, where arm64 (0xaa64) is needed`,
    );
  }
  const count = view.getUint16(pe + 6, true);
  const table = pe + 24 + view.getUint16(pe + 20, true);
  let end = 0;
  for (let i = 0; i < count; i++) {
    const at = table + i * 40;
    if (at + 40 > bytes.length) throw formatError(file, bytes.length, 'truncated within the EFI section table');
    end = Math.max(end, view.getUint32(at + 16, true) + view.getUint32(at + 20, true));
  }
  if (end > bytes.length) {
    throw formatError(file, bytes.length, `truncated: the kernel has ${end} bytes, the file only ${bytes.length}`);
  }
}

function number64(view: DataView, at: number, file: string, name: string): number {
  const high = view.getUint32(at + 4, true);
  if (high !== 0) throw formatError(file, at, `${name} of the kernel header is beyond 4 GiB`);
  return view.getUint32(at, true);
}

/**
 * Reads the header of a raw Image.
 *
 * @param file the name used in errors
 * @throws ImageError `format` for anything but a complete little-endian arm64 Image
 */
export function parseKernelImage(bytes: Uint8Array, file: string): KernelImageHeader {
  if (bytes.length < HeaderLength || !startsWith(bytes, Arm64Magic, Arm64MagicOffset)) throw notAKernel(bytes, file);
  const view = viewOf(bytes);
  const textOffset = number64(view, 8, file, 'text_offset');
  const imageSize = number64(view, 16, file, 'image_size');
  const flags = view.getUint32(24, true);
  if ((flags & 1) !== 0) throw formatError(file, 24, 'a big-endian kernel, where a little-endian one is needed');
  checkSections(bytes, file);
  if (imageSize === 0) {
    return { textOffset: LegacyTextOffset, imageSize: bytes.length, pageSize: undefined, anywhere: false };
  }
  const pageSize = ([undefined, 4096, 16384, 65536] as const)[(flags >> 1) & 3];
  return { textOffset, imageSize: Math.max(imageSize, bytes.length), pageSize, anywhere: (flags & 8) !== 0 };
}

/** Names as the kernel's build writes them; xz and zstd carry a suffix for the settings used. */
const ZbootCompressions: Readonly<Record<string, Compression>> = {
  gzip: 'gzip',
  xz: 'xz',
  xzkern: 'xz',
  zstd: 'zstd',
  zstd22: 'zstd',
};

function parseZboot(bytes: Uint8Array, file: string): KernelContainer {
  const view = viewOf(bytes);
  const pe = peHeader(bytes);
  if (pe !== undefined && view.getUint16(pe + 4, true) !== PeMachineArm64) {
    const machine = view.getUint16(pe + 4, true).toString(16);
    throw formatError(file, pe + 4, `an EFI zboot kernel for machine 0x${machine}, where arm64 (0xaa64) is needed`);
  }
  const offset = view.getUint32(8, true);
  const size = view.getUint32(12, true);
  if (offset < HeaderLength || size === 0) throw formatError(file, 8, 'an EFI zboot header with an impossible payload');
  if (offset + size > bytes.length) {
    throw formatError(file, 8, `truncated: the payload ends at ${offset + size}, the file at ${bytes.length}`);
  }
  const name = decodeText(untilNul(bytes.subarray(24, 56)));
  const compression = Object.hasOwn(ZbootCompressions, name) ? ZbootCompressions[name] : undefined;
  if (compression === undefined) {
    throw new ImageError('unsupported', `${file}: an EFI zboot kernel compressed with ${JSON.stringify(name)}`);
  }
  return { form: 'zboot', compression, payload: bytes.subarray(offset, offset + size), offset };
}

/**
 * Tells how a file holds a kernel, without unpacking it. A raw Image is checked, too.
 *
 * @param file the name used in errors
 * @throws ImageError `format`, or `unsupported` for a compression this program does not know
 */
export function identifyKernel(bytes: Uint8Array, file: string): KernelContainer {
  const compression = compressionOf(bytes);
  if (compression !== 'none') return { form: 'compressed', compression, payload: bytes, offset: 0 };
  if (bytes.length >= HeaderLength && startsWith(bytes, Mz) && startsWith(bytes, Zimg, 4))
    return parseZboot(bytes, file);
  parseKernelImage(bytes, file);
  return { form: 'raw', compression: 'none', payload: bytes, offset: 0 };
}

/**
 * The raw Image in a kernel file of any supported form: raw, compressed with gzip, xz or zstd, or EFI zboot.
 *
 * @param file the name used in errors
 * @throws ImageError `format` or `unsupported`
 */
export async function decodeKernel(bytes: Uint8Array, file: string, decoders: Decoders): Promise<Uint8Array> {
  const { form, compression, payload, offset } = identifyKernel(bytes, file);
  if (form === 'raw') return bytes;
  const image = await decompressAll(payload, compression, { decoders, file, offset, limit: MaximumKernelSize });
  const inside = `${file} (unpacked)`;
  // A signed kernel may be wrapped once more: a compressed file that holds a zboot image.
  const inner = identifyKernel(image, inside);
  if (inner.form === 'compressed' || (inner.form === 'zboot' && form === 'zboot')) {
    throw formatError(inside, 0, 'compressed twice, where an arm64 kernel is needed');
  }
  return inner.form === 'zboot' ? await decodeKernel(image, inside, decoders) : image;
}
