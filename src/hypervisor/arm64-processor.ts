import type { EngineRuntime } from '../cpu/architecture.ts';
import { locate, place } from '../cpu/arm64/mmu/access.ts';
import { dropAll } from '../cpu/arm64/mmu/banks.ts';
import { dropFrame } from '../cpu/arm64/mmu/invalidation.ts';
import { NO_FAULT } from '../cpu/arm64/mmu/walk.ts';
import { VCPU_SIZE } from '../cpu/arm64/system-state.ts';
import { NOT_MEMORY } from '../cpu/environment.ts';
import type { Processor } from './processor.ts';

/** The arm64 engine as the hypervisor uses it. */
export const arm64Processor = (runtime: EngineRuntime): Processor => ({
  recordSize: VCPU_SIZE,
  translate: (state, lo, hi, write) => {
    if (locate(runtime, state, lo, hi, false, write, false) !== NO_FAULT) return -1;
    return place.machine === NOT_MEMORY ? -1 : place.machine;
  },
  dropFrame: (state, frame) => dropFrame(runtime.memory, runtime.codeCache, state, frame, false),
  dropTranslations: (state) => dropAll(runtime.memory, state),
});
