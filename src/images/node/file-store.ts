/**
 * The object store in a folder:
 * - objects/ab/abcd...: content, named by its SHA-256
 * - partial/HASH.PID.N: downloads under way or interrupted; those whose process is gone are taken over
 * - records/NAME.json
 */
import { hash as digest, randomUUID } from 'node:crypto';
import * as nodeFileSystem from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ObjectStore, PartialObject } from '../store.ts';
import { errorCode, fileError } from './file-errors.ts';

/** The part of node:fs/promises that the store uses, so that tests can make it fail. */
export type FileSystem = Pick<
  typeof nodeFileSystem,
  'mkdir' | 'open' | 'readFile' | 'readdir' | 'rename' | 'stat' | 'unlink'
>;

const Advice = 'The cache folder can be chosen with HOSTROCK_CACHE or --cache.';

/** Paths of the downloads that this process has under way. */
const underWay = new Set<string>();
let lastDownload = 0;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not allowed to signal it means that it exists.
    return errorCode(error) === 'EPERM';
  }
}

/**
 * Like mkdir with `recursive`, which in Node never returns where a folder exists but cannot have new ones in it and
 * says ENOENT to that, as in /proc.
 */
async function makeFolder(fileSystem: FileSystem, path: string): Promise<void> {
  const make = async (): Promise<void> => {
    await fileSystem.mkdir(path).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
  };
  try {
    await make();
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(fileSystem, dirname(path));
    await make();
  }
}

export class FileStore implements ObjectStore {
  readonly #folder: string;
  readonly #fs: FileSystem;

  /** Folders are created when first written to. */
  constructor(folder: string, fileSystem: FileSystem = nodeFileSystem) {
    this.#folder = folder;
    this.#fs = fileSystem;
  }

  async get(sha256: string): Promise<Uint8Array | undefined> {
    const path = this.#objectPath(sha256);
    const content = await this.#read(path);
    if (content === undefined || digest('sha256', content) === sha256) return content;
    await this.#remove(path);
    return undefined;
  }

  async has(sha256: string, size: number): Promise<boolean> {
    const path = this.#objectPath(sha256);
    try {
      return (await this.#fs.stat(path)).size === size;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false;
      throw fileError(error, 'read', path, Advice);
    }
  }

  async put(content: Uint8Array): Promise<string> {
    const sha256 = digest('sha256', content);
    if (!(await this.has(sha256, content.length))) await this.#write(this.#objectPath(sha256), content);
    return sha256;
  }

  async partial(sha256: string): Promise<PartialObject> {
    const folder = join(this.#folder, 'partial');
    const path = join(folder, `${sha256}.${process.pid}.${++lastDownload}`);
    underWay.add(path);
    try {
      await makeFolder(this.#fs, folder);
      await this.#adopt(folder, sha256, path);
      // Appending, wherever it starts: what is there is kept.
      const handle = await this.#fs.open(path, 'a+');
      const { size } = await handle.stat();
      return new FilePartial(this.#fs, handle, path, this.#objectPath(sha256), sha256, size);
    } catch (error) {
      underWay.delete(path);
      throw fileError(error, 'write', path, Advice);
    }
  }

  async readRecord(name: string): Promise<string | undefined> {
    const content = await this.#read(this.#recordPath(name));
    return content === undefined ? undefined : new TextDecoder().decode(content);
  }

  async writeRecord(name: string, text: string): Promise<void> {
    await this.#write(this.#recordPath(name), new TextEncoder().encode(text));
  }

  #objectPath(sha256: string): string {
    return join(this.#folder, 'objects', sha256.slice(0, 2), sha256);
  }

  #recordPath(name: string): string {
    return join(this.#folder, 'records', `${name}.json`);
  }

  async #read(path: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#fs.readFile(path);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw fileError(error, 'read', path, Advice);
    }
  }

  async #remove(path: string): Promise<void> {
    try {
      await this.#fs.unlink(path);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw fileError(error, 'remove', path, Advice);
    }
  }

  async #write(path: string, content: Uint8Array): Promise<void> {
    const temporary = `${path}.${randomUUID()}.tmp`;
    try {
      await makeFolder(this.#fs, dirname(path));
      const handle = await this.#fs.open(temporary, 'wx');
      try {
        await handle.writeFile(content);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await this.#fs.rename(temporary, path);
    } catch (error) {
      await this.#fs.unlink(temporary).catch(() => undefined);
      throw fileError(error, 'write', path, Advice);
    }
  }

  /** Takes over the longest download of this object that an ended process left. */
  async #adopt(folder: string, sha256: string, path: string): Promise<void> {
    let longest: { from: string; size: number } | undefined;
    for (const name of await this.#fs.readdir(folder)) {
      const [hash, pid] = name.split('.');
      const from = join(folder, name);
      const isTaken = Number(pid) === process.pid ? underWay.has(from) : isAlive(Number(pid));
      if (hash !== sha256 || isTaken) continue;
      // Another process may take it over, or finish with it, at the same time.
      const size = await this.#fs.stat(from).then((found) => found.size, ignoreAbsence);
      if (size !== undefined && size > (longest?.size ?? -1)) longest = { from, size };
    }
    if (longest !== undefined) await this.#fs.rename(longest.from, path).catch(ignoreAbsence);
  }
}

function ignoreAbsence(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error;
  return undefined;
}

class FilePartial implements PartialObject {
  readonly #fs: FileSystem;
  readonly #handle: nodeFileSystem.FileHandle;
  readonly #path: string;
  readonly #target: string;
  readonly #sha256: string;
  #length: number;
  #isOpen = true;

  constructor(
    fileSystem: FileSystem,
    handle: nodeFileSystem.FileHandle,
    path: string,
    target: string,
    sha256: string,
    length: number,
  ) {
    this.#fs = fileSystem;
    this.#handle = handle;
    this.#path = path;
    this.#target = target;
    this.#sha256 = sha256;
    this.#length = length;
  }

  get length(): number {
    return this.#length;
  }

  async append(chunk: Uint8Array): Promise<void> {
    await this.#guard('write', async () => {
      await this.#handle.appendFile(chunk);
      this.#length += chunk.length;
    });
  }

  async restart(): Promise<void> {
    await this.#guard('write', async () => {
      await this.#handle.truncate(0);
      this.#length = 0;
    });
  }

  async commit(): Promise<Uint8Array | undefined> {
    return await this.#guard('write', async () => {
      await this.#handle.sync();
      const content = await this.#fs.readFile(this.#path);
      const isGood = digest('sha256', content) === this.#sha256;
      if (isGood) {
        await makeFolder(this.#fs, dirname(this.#target));
        await this.#fs.rename(this.#path, this.#target);
      } else await this.#fs.unlink(this.#path);
      await this.close();
      return isGood ? content : undefined;
    });
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    underWay.delete(this.#path);
    await this.#handle.close();
  }

  async #guard<T>(action: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw fileError(error, action, this.#path, Advice);
    }
  }
}
