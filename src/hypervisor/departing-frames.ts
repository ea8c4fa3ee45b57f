import type { Core } from './core.ts';
import { vcpuAt, vcpuCount } from './domain.ts';
import { stateOf } from './vcpu.ts';

/** From this many frames on, forgetting all translations is quicker than forgetting each frame's. */
const MANY_FRAMES = 4;

/**
 * Machine frames that were taken out of domains' physical maps, and are given up when no vCPU can use them any more. A thread
 * adds them under a map's lock, and releases them when it holds no such lock and is outside (cpu/quiet-point.ts).
 */
export class DepartingFrames {
  readonly #byDomain = new Map<number, number[]>();

  /** Takes over one reference to a frame that a domain's map does not lead to any more. */
  add(domain: number, frame: number): void {
    const frames = this.#byDomain.get(domain);
    if (frames === undefined) this.#byDomain.set(domain, [frame]);
    else frames.push(frame);
  }

  /** Takes the frames out of their vCPUs' translation tables, waits for accesses in flight, and drops the references. */
  release(core: Core): void {
    if (this.#byDomain.size === 0) return;
    const departing = [...this.#byDomain];
    this.#byDomain.clear();
    for (const [domain, frames] of departing) {
      const states = Array.from({ length: vcpuCount(core.memory, domain) }, (_, index) =>
        stateOf(core.memory, vcpuAt(core.memory, domain, index)),
      );
      for (const state of states) dropAll(core, state, frames);
      core.quietPoint.wait(states);
      for (const frame of frames) core.frames.release(frame);
    }
  }
}

const dropAll = ({ processor }: Core, state: number, frames: readonly number[]): void => {
  if (frames.length >= MANY_FRAMES) processor.dropTranslations(state);
  else for (const frame of frames) processor.dropFrame(state, frame);
};
