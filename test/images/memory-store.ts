/** An object store in memory. */
import { createHash } from 'node:crypto';
import type { ObjectStore, PartialObject } from '../../src/images/store.ts';
import { join } from './builders.ts';

export class MemoryStore implements ObjectStore {
  readonly objects = new Map<string, Uint8Array>();
  readonly records = new Map<string, string>();
  readonly partials = new Map<string, Uint8Array>();

  async get(sha256: string): Promise<Uint8Array | undefined> {
    return this.objects.get(sha256);
  }

  async has(sha256: string, size: number): Promise<boolean> {
    return this.objects.get(sha256)?.length === size;
  }

  async put(content: Uint8Array): Promise<string> {
    const sha256 = createHash('sha256').update(content).digest('hex');
    this.objects.set(sha256, content);
    return sha256;
  }

  async partial(sha256: string): Promise<PartialObject> {
    const { partials, objects } = this;
    let content: Uint8Array = partials.get(sha256) ?? new Uint8Array(0);
    partials.delete(sha256);
    let isOpen = true;
    return {
      get length() {
        return content.length;
      },
      append: async (chunk) => {
        content = join(content, chunk);
      },
      restart: async () => {
        content = new Uint8Array(0);
      },
      commit: async () => {
        isOpen = false;
        if (createHash('sha256').update(content).digest('hex') !== sha256) return undefined;
        objects.set(sha256, content);
        return content;
      },
      close: async () => {
        if (isOpen && content.length > 0) partials.set(sha256, content);
      },
    };
  }

  async readRecord(name: string): Promise<string | undefined> {
    return this.records.get(name);
  }

  async writeRecord(name: string, text: string): Promise<void> {
    this.records.set(name, text);
  }
}
