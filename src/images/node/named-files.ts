/** Files that the user named by their paths. */
import { readFile } from 'node:fs/promises';
import { decodeKernel } from '../kernel-image.ts';
import { NodeDecoders } from './decoders.ts';
import { fileError } from './file-errors.ts';

/**
 * A file that the user named.
 *
 * @throws ImageError `permission`, `io`
 */
export async function readNamedFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw fileError(error, 'read', path);
  }
}

/**
 * The raw Image in a kernel file of any supported form.
 *
 * @throws ImageError `format`, `unsupported`, `permission`, `io`
 */
export async function readKernelFile(path: string): Promise<Uint8Array> {
  return await decodeKernel(await readNamedFile(path), path, NodeDecoders);
}
