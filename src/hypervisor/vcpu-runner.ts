import { debugActive } from '../cpu/arm64/debug/enabled.ts';
import { afterStep, beforeInstruction } from '../cpu/arm64/debug/software-step.ts';
import { interruptDeliverable, resume, takeInterrupt, takePending } from '../cpu/arm64/exceptions.ts';
import { raise } from '../cpu/arm64/pending.ts';
import { resetProcessor } from '../cpu/arm64/reset.ts';
import { X } from '../cpu/arm64/state.ts';
import { ExceptionClass, syndrome } from '../cpu/arm64/syndrome.ts';
import type { Engine } from '../cpu/engine.ts';
import { Exit } from '../cpu/exits.ts';
import { Status } from '../cpu/runtime.ts';
import { BUDGET, INTERRUPT_LINE, PC, PENDING_SYNDROME } from '../cpu/state.ts';
import { HYPERCALL_TAG } from './abi/hypercall-number.ts';
import { ShutdownReason } from './abi/sched.ts';
import { Runstate } from './abi/vcpu.ts';
import { wide } from './core.ts';
import { lockDomain, unlockDomain, vcpuAt, vcpuCount } from './domain.ts';
import type { Hypervisor } from './hypervisor.ts';
import { type PowerControl, smcccCall } from './psci.ts';
import { runstateChange } from './runstate.ts';
import { Outcome, type VcpuRunner } from './scheduler/physical-cpu.ts';
import { shutDown } from './shutdown.ts';
import { block, domainOf, isBlocked, isOnline, setOnline, stateOf } from './vcpu.ts';
import { expire, nextDeadline } from './watchdog.ts';

/** Runs vCPUs of the arm64 engine and handles what they leave translated code for. */

/** PENDING_SYNDROME of an SMC; of an HVC it is the immediate alone. */
const SECURE_CALL = 0x8000_0000;
const SMCCC_ARGUMENTS = 4;

export class Arm64Runner implements VcpuRunner {
  readonly #hypervisor: Hypervisor;
  readonly #engine: Engine;
  /** The call in hand turns its vCPU off. */
  #turnsOff = false;
  /** Instructions run, in both tiers. */
  instructions = 0;

  constructor(hypervisor: Hypervisor, engine: Engine) {
    this.#hypervisor = hypervisor;
    this.#engine = engine;
  }

  enter(vcpu: number): void {
    const { memory, services } = this.#hypervisor;
    runstateChange(this.#hypervisor, vcpu, Runstate.running, services.systemTime(domainOf(memory, vcpu)));
  }

  leave(vcpu: number): void {
    const { memory, services } = this.#hypervisor;
    let state: Runstate = Runstate.runnable;
    if (!isOnline(memory, vcpu)) state = Runstate.offline;
    else if (isBlocked(memory, vcpu)) state = Runstate.blocked;
    runstateChange(this.#hypervisor, vcpu, state, services.systemTime(domainOf(memory, vcpu)));
  }

  deadline(vcpu: number): number {
    return nextDeadline(this.#hypervisor, domainOf(this.#hypervisor.memory, vcpu));
  }

  expire(vcpu: number): void {
    const domain = domainOf(this.#hypervisor.memory, vcpu);
    expire(this.#hypervisor, domain, this.#hypervisor.services.systemTime(domain));
  }

  run(vcpu: number): Outcome {
    const { memory } = this.#hypervisor;
    const state = stateOf(memory, vcpu);
    const engine = this.#engine;
    if (Atomics.load(memory.i32, (state + INTERRUPT_LINE) >>> 2) !== 0 && interruptDeliverable(engine, state)) {
      takeInterrupt(engine, state, false);
    }
    if (debugActive(engine, state)) return this.#runWatched(vcpu, state);
    const budget = memory.i32[(state + BUDGET) >>> 2];
    const exit = engine.run(state);
    this.#hypervisor.departing.release(this.#hypervisor);
    this.instructions += budget - memory.i32[(state + BUDGET) >>> 2];
    return this.#handle(vcpu, state, exit);
  }

  /** One instruction by itself, with the guest's breakpoints and single steps and the stack pointer looked at before. */
  #runWatched(vcpu: number, state: number): Outcome {
    const engine = this.#engine;
    const budget = (state + BUDGET) >>> 2;
    const left = this.#hypervisor.memory.i32[budget] - 1;
    this.#hypervisor.memory.i32[budget] = left;
    if (engine.quietPoint.within(state, () => beforeInstruction(engine, state)) !== Status.done) {
      takePending(engine, state);
      return Outcome.again;
    }
    const exit = engine.step(state);
    this.#hypervisor.departing.release(this.#hypervisor);
    this.#hypervisor.memory.i32[budget] = left;
    this.instructions++;
    if (exit !== Exit.exception && exit !== Exit.exceptionReturn && exit !== Exit.vectorTrap) afterStep(engine, state);
    return this.#handle(vcpu, state, resume(engine, state, exit));
  }

  #handle(vcpu: number, state: number, exit: Exit): Outcome {
    switch (exit) {
      case Exit.exception:
        return this.#runWatched(vcpu, state);
      case Exit.waitForInterrupt:
        return block(this.#hypervisor.memory, vcpu) ? Outcome.yielded : Outcome.again;
      case Exit.waitForEvent:
        return Outcome.spun;
      case Exit.hypervisorCall:
        return this.#hypervisorCall(vcpu, state);
      default:
        return Outcome.again;
    }
  }

  #hypervisorCall(vcpu: number, state: number): Outcome {
    const { memory, hypercalls } = this.#hypervisor;
    const tag = memory.u32[(state + PENDING_SYNDROME) >>> 2];
    if (tag === HYPERCALL_TAG) {
      return hypercalls.dispatch(state) ? Outcome.yielded : Outcome.again;
    }
    if (tag === 0 || tag === SECURE_CALL) {
      this.#secureCall(vcpu, state);
      return isOnline(memory, vcpu) && !isBlocked(memory, vcpu) ? Outcome.again : Outcome.yielded;
    }
    this.#undefined(state);
    return Outcome.again;
  }

  /** An HVC that is no call of Xen's: undefined, at the instruction itself. */
  #undefined(state: number): void {
    const { memory } = this.#hypervisor;
    const pc = (state + PC) >>> 2;
    const low = memory.u32[pc];
    memory.u32[pc] = low - 4;
    if (low < 4) memory.u32[pc + 1]--;
    raise(memory, state, syndrome(ExceptionClass.unknown, 0));
    takePending(this.#engine, state);
  }

  #secureCall(vcpu: number, state: number): void {
    const { memory } = this.#hypervisor;
    const lo: number[] = [];
    const hi: number[] = [];
    for (let i = 0; i < SMCCC_ARGUMENTS; i++) {
      lo.push(memory.i32[(state + X + i * 8) >>> 2]);
      hi.push(memory.i32[(state + X + i * 8 + 4) >>> 2]);
    }
    this.#turnsOff = false;
    const result = smcccCall(this.#power(vcpu), { lo, hi });
    memory.i32[(state + X) >>> 2] = result;
    memory.i32[(state + X + 4) >>> 2] = result < 0 ? -1 : 0;
    this.#engine.trace?.note(state, 'hypercalls', lo[0], result);
    // From here on another vCPU may start it anew.
    if (this.#turnsOff) setOnline(this.#hypervisor, vcpu, false);
  }

  #power(vcpu: number): PowerControl {
    const hypervisor = this.#hypervisor;
    const { memory } = hypervisor;
    const domain = domainOf(memory, vcpu);
    return {
      processors: () => vcpuCount(memory, domain),
      isOn: (index) => isOnline(memory, vcpuAt(memory, domain, index)),
      turnOn: (index, entryLo, entryHi, contextLo, contextHi) => {
        const target = vcpuAt(memory, domain, index);
        const targetState = stateOf(memory, target);
        // Of several that would start it, one does.
        lockDomain(memory, domain);
        const isOff = !isOnline(memory, target);
        if (isOff) {
          resetProcessor(this.#engine, targetState, { pc: wide(entryLo, entryHi), x0: 0 });
          memory.i32[(targetState + X) >>> 2] = contextLo;
          memory.i32[(targetState + X + 4) >>> 2] = contextHi;
          setOnline(hypervisor, target, true);
        }
        unlockDomain(memory, domain);
        return isOff;
      },
      turnOff: () => {
        this.#turnsOff = true;
      },
      suspend: () => {
        block(memory, vcpu);
      },
      systemOff: () => shutDown(hypervisor, domain, ShutdownReason.poweroff),
      systemReset: () => shutDown(hypervisor, domain, ShutdownReason.reboot),
    };
  }
}
