import { readOffset } from '../../cpu/arm64/state.ts';
import { Errno } from '../abi/errno.ts';
import type { Core } from '../core.ts';
import { domainOf, vcpuOfState } from '../vcpu.ts';
import { Call } from './call.ts';
import type { Hypercall } from './handler.ts';
import { hypercallByNumber } from './table.ts';

/** The register that holds a hypercall's number. */
const NUMBER_REGISTER = 16;

/** Called after each hypercall with its row (undefined if there is no such hypercall), its arguments and its result. */
export type HypercallTrace = (hypercall: Hypercall | undefined, call: Call, result: number) => void;

/** Does the hypercall that a vCPU's registers ask for. */
export class HypercallDispatcher {
  readonly #core: Core;
  readonly #call: Call = new Call();
  /** Set to follow what guests call. */
  trace: HypercallTrace | undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * To be called at an HVC with Xen's tag, the PC being after it. Leaves the result in x0, or moves the PC back so that the
   * guest goes on with the call after taking interrupts. True if the scheduler should decide anew who runs.
   */
  dispatch(state: number): boolean {
    const { memory } = this.#core;
    const call = this.#call;
    call.state = state;
    call.vcpu = vcpuOfState(memory, state);
    call.domain = domainOf(memory, call.vcpu);
    call.again = false;
    call.reschedule = false;
    call.nested = false;
    call.load(memory);
    const register = (state + readOffset(NUMBER_REGISTER)) >>> 2;
    const number = memory.u32[register];
    const row = memory.u32[register + 1] === 0 ? hypercallByNumber(number) : undefined;
    const result = row === undefined ? -Errno.ENOSYS : row.handler(this.#core, call);
    if (this.trace !== undefined) this.trace(row, call, result);
    if (call.again) call.repeat(memory);
    else call.finish(memory, result);
    return call.reschedule;
  }
}
