import { lock, unlock } from '../../cpu/lock.ts';
import type { MachineMemory } from '../../cpu/machine-memory.ts';
import { INTERRUPT_LINE } from '../../cpu/state.ts';
import { EVENT_INTERRUPT } from '../abi/guest-layout.ts';
import * as R from './record.ts';

/**
 * The virtual interrupt controller's core, shared by GICv2 and GICv3: interrupt states, which one each vCPU takes next, and
 * acknowledging and ending it (Arm GIC architecture specification v3/v4, chapters 4 and 12). Every public method takes the
 * record's lock; a vCPU is named by its index.
 */

/** INTID of "no interrupt". */
export const SPURIOUS = 1023;

/** The lowest priority; also the running priority when nothing is in service. */
const IDLE_PRIORITY = 0xff;
/** Five bits of priority are implemented. */
export const PRIORITY_BITS = 0xf8;
/** Where an interrupt identifier of a GICv2 has the sender of an SGI. */
const SENDER_SHIFT = 10;

/** How the CPU interface names an interrupt: with the lowest-numbered of its senders, if it has any. */
const identifier = (interrupt: number, senders: number): number =>
  senders === 0 ? interrupt : interrupt | ((31 - Math.clz32(senders & -senders)) << SENDER_SHIFT);

export interface VgicEvents {
  /** A vCPU's interrupt line rose. */
  wake(cpuState: number): void;
  /** The level of the event interrupt's line, which a guest lowers by writing to its own memory. */
  eventLine(cpuState: number): boolean;
}

export class Vgic {
  readonly memory: MachineMemory;
  readonly #events: VgicEvents;

  constructor(memory: MachineMemory, events: VgicEvents) {
    this.memory = memory;
    this.#events = events;
  }

  /** Prepares a zeroed record; `cpuStates` are the CPU records' addresses. */
  initialize(record: number, version: 2 | 3, cpuStates: readonly number[]): void {
    this.memory.u32[(record + R.VERSION) >>> 2] = version;
    this.memory.u32[(record + R.VCPU_COUNT) >>> 2] = cpuStates.length;
    cpuStates.forEach((state, vcpu) => {
      const area = this.area(record, vcpu);
      this.memory.u32[(area + R.CPU_STATE) >>> 2] = state;
      this.memory.u32[(area + R.ASLEEP) >>> 2] = 1;
      this.memory.u32[(area + R.BINARY_POINT_0) >>> 2] = 2;
      this.memory.u32[(area + R.BINARY_POINT_1) >>> 2] = 3;
      for (let interrupt = 0; interrupt < R.PRIVATE_INTERRUPTS; interrupt++) {
        const flags =
          R.Flag.group1 | (interrupt < R.SOFTWARE_INTERRUPTS ? R.Flag.edge | (version === 2 ? R.Flag.enabled : 0) : 0);
        this.memory.u8[this.entry(record, vcpu, interrupt) + R.ENTRY_FLAGS] = flags;
      }
    });
    for (let interrupt = R.PRIVATE_INTERRUPTS; interrupt < R.INTERRUPTS; interrupt++) {
      const entry = this.entry(record, 0, interrupt);
      this.memory.u8[entry + R.ENTRY_FLAGS] = R.Flag.group1;
      this.memory.u8[entry + R.ENTRY_TARGETS] = 1;
    }
  }

  vcpus(record: number): number {
    return this.memory.u32[(record + R.VCPU_COUNT) >>> 2] as number;
  }

  isVersion2(record: number): boolean {
    return this.memory.u32[(record + R.VERSION) >>> 2] === 2;
  }

  area(record: number, vcpu: number): number {
    return record + R.VCPU + vcpu * R.VCPU_SIZE;
  }

  /** The address of an interrupt's entry, as `vcpu` sees it. */
  entry(record: number, vcpu: number, interrupt: number): number {
    return interrupt < R.PRIVATE_INTERRUPTS
      ? this.area(record, vcpu) + R.PRIVATE + interrupt * R.ENTRY_SIZE
      : record + R.SHARED + (interrupt - R.PRIVATE_INTERRUPTS) * R.ENTRY_SIZE;
  }

  flags(record: number, vcpu: number, interrupt: number): number {
    return this.memory.u8[this.entry(record, vcpu, interrupt) + R.ENTRY_FLAGS] as number;
  }

  /** Runs `body` with the record locked. */
  locked<T>(record: number, body: () => T): T {
    lock(this.memory, record + R.LOCK);
    try {
      return body();
    } finally {
      unlock(this.memory, record + R.LOCK);
    }
  }

  /** Changes an interrupt's flags and re-evaluates who takes it. The lock is held. */
  change(record: number, vcpu: number, interrupt: number, set: number, clear: number): void {
    const entry = this.entry(record, vcpu, interrupt);
    const before = this.memory.u8[entry + R.ENTRY_FLAGS] as number;
    const after = (before & ~clear) | set;
    this.memory.u8[entry + R.ENTRY_FLAGS] = after;
    if (before !== after) this.refresh(record, vcpu, interrupt);
  }

  /** Brings the candidate bits of an interrupt up to date with its state and route. The lock is held. */
  refresh(record: number, vcpu: number, interrupt: number): void {
    const flags = this.flags(record, vcpu, interrupt);
    const wanted = (flags & (R.Flag.enabled | R.Flag.active)) === R.Flag.enabled && R.isPending(flags);
    if (interrupt < R.PRIVATE_INTERRUPTS) {
      this.#setCandidate(record, vcpu, interrupt, wanted);
      return;
    }
    const target = this.#targetOf(record, interrupt);
    for (let index = 0; index < this.vcpus(record); index++) {
      this.#setCandidate(record, index, interrupt, wanted && index === target);
    }
  }

  /** The vCPU a shared interrupt goes to; -1 if none. */
  #targetOf(record: number, interrupt: number): number {
    const entry = this.entry(record, 0, interrupt);
    const count = this.vcpus(record);
    if (this.isVersion2(record)) {
      const targets = (this.memory.u8[entry + R.ENTRY_TARGETS] as number) & ((1 << count) - 1);
      return targets === 0 ? -1 : 31 - Math.clz32(targets & -targets);
    }
    const route = this.memory.u32[(entry + R.ENTRY_ROUTE) >>> 2] as number;
    if (route >>> 31 !== 0) return 0;
    return route < count ? route : -1;
  }

  #setCandidate(record: number, vcpu: number, interrupt: number, wanted: boolean): void {
    const word = (this.area(record, vcpu) + R.CANDIDATES + (interrupt >>> 5) * 4) >>> 2;
    const bit = 1 << (interrupt & 31);
    const before = this.memory.i32[word] as number;
    const after = wanted ? before | bit : before & ~bit;
    if (after === before) return;
    this.memory.i32[word] = after;
    this.evaluate(record, vcpu);
  }

  /** Whether group 1 interrupts are forwarded at all. */
  #distributorOn(record: number): boolean {
    return ((this.memory.u32[(record + R.DISTRIBUTOR_CONTROL) >>> 2] as number) & 3) !== 0;
  }

  /** The interrupt of the highest priority, then the lowest number, that waits for a vCPU; SPURIOUS if none does. */
  #highestPending(record: number, vcpu: number): number {
    const area = this.area(record, vcpu);
    const { u8, i32, u32 } = this.memory;
    if (!this.#distributorOn(record) || u32[(area + R.GROUP_ENABLE_1) >>> 2] === 0) return SPURIOUS;
    let best = SPURIOUS;
    let bestPriority = IDLE_PRIORITY;
    for (let word = 0; word < R.INTERRUPTS / 32; word++) {
      let bits = i32[(area + R.CANDIDATES + word * 4) >>> 2] as number;
      while (bits !== 0) {
        const interrupt = word * 32 + 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
        const priority = u8[this.entry(record, vcpu, interrupt) + R.ENTRY_PRIORITY] as number;
        if (priority < bestPriority) {
          bestPriority = priority;
          best = interrupt;
        }
      }
    }
    return best;
  }

  /** That interrupt, if it is above the priority mask and its group priority above what runs; else SPURIOUS. */
  #deliverable(record: number, vcpu: number): number {
    const interrupt = this.#highestPending(record, vcpu);
    if (interrupt === SPURIOUS) return SPURIOUS;
    const area = this.area(record, vcpu);
    const priority = this.memory.u8[this.entry(record, vcpu, interrupt) + R.ENTRY_PRIORITY] as number;
    if (priority >= (this.memory.u32[(area + R.PRIORITY_MASK) >>> 2] as number)) return SPURIOUS;
    const running = this.runningPriority(record, vcpu);
    const groupBits = this.#groupBits(record, area);
    return running === IDLE_PRIORITY || (priority & groupBits) < (running & groupBits) ? interrupt : SPURIOUS;
  }

  /**
   * The bits of a priority that decide about preemption. A GICv2's interrupts are all in the group of GICC_BPR; a GICv3's are in
   * group 1, whose register counts one further.
   */
  #groupBits(record: number, area: number): number {
    const { u32 } = this.memory;
    if (this.isVersion2(record) || u32[(area + R.COMMON_BINARY_POINT) >>> 2] !== 0) {
      return (0xff << ((u32[(area + R.BINARY_POINT_0) >>> 2] as number) + 1)) & 0xff;
    }
    return (0xff << (u32[(area + R.BINARY_POINT_1) >>> 2] as number)) & 0xff;
  }

  /** What the guest reads as the highest pending interrupt: neither the priority mask nor what runs hides it. */
  highestPending(record: number, vcpu: number): number {
    return this.locked(record, () => {
      const interrupt = this.#highestPending(record, vcpu);
      return interrupt === SPURIOUS ? SPURIOUS : identifier(interrupt, this.senders(record, vcpu, interrupt));
    });
  }

  /** The group priority in service, 0xff if none. */
  runningPriority(record: number, vcpu: number): number {
    const active = this.memory.i32[(this.area(record, vcpu) + R.ACTIVE_PRIORITIES_1) >>> 2] as number;
    return active === 0 ? IDLE_PRIORITY : (31 - Math.clz32(active & -active)) << 3;
  }

  /** Sets a vCPU's interrupt line by what it could take now. The lock is held. */
  evaluate(record: number, vcpu: number): void {
    const state = this.memory.u32[(this.area(record, vcpu) + R.CPU_STATE) >>> 2] as number;
    const line = this.#deliverable(record, vcpu) === SPURIOUS ? 0 : 1;
    const before = Atomics.exchange(this.memory.i32, (state + INTERRUPT_LINE) >>> 2, line);
    if (line === 1 && before === 0) this.#events.wake(state);
  }

  /** Raises or lowers a private interrupt's line (timers, event channels). */
  setPrivateLine(record: number, vcpu: number, interrupt: number, level: boolean): void {
    lock(this.memory, record + R.LOCK);
    this.#setLine(record, vcpu, interrupt, level);
    unlock(this.memory, record + R.LOCK);
  }

  /** Raises or lowers a shared interrupt's line; `interrupt` counts from 32. */
  setSharedLine(record: number, interrupt: number, level: boolean): void {
    lock(this.memory, record + R.LOCK);
    this.#setLine(record, 0, interrupt, level);
    unlock(this.memory, record + R.LOCK);
  }

  #setLine(record: number, vcpu: number, interrupt: number, level: boolean): void {
    const rising = level && (this.flags(record, vcpu, interrupt) & R.Flag.line) === 0;
    const latch = rising && (this.flags(record, vcpu, interrupt) & R.Flag.edge) !== 0 ? R.Flag.pending : 0;
    this.change(record, vcpu, interrupt, level ? R.Flag.line | latch : 0, level ? 0 : R.Flag.line);
  }

  /** Acknowledges: the interrupt becomes active and its priority runs. Of a GICv2's SGI the result also has the sender. */
  acknowledge(record: number, vcpu: number): number {
    return this.locked(record, () => {
      const interrupt = this.#deliverable(record, vcpu);
      if (interrupt === SPURIOUS) return SPURIOUS;
      const area = this.area(record, vcpu);
      const entry = this.entry(record, vcpu, interrupt);
      const group = (this.memory.u8[entry + R.ENTRY_PRIORITY] as number) & this.#groupBits(record, area);
      const active = (area + R.ACTIVE_PRIORITIES_1) >>> 2;
      this.memory.i32[active] = (this.memory.i32[active] as number) | (1 << (group >>> 3));
      const senders = this.senders(record, vcpu, interrupt);
      const waiting = senders & (senders - 1);
      this.memory.u8[entry + R.ENTRY_SENDERS] = waiting;
      this.change(record, vcpu, interrupt, R.Flag.active, waiting === 0 ? R.Flag.pending : 0);
      this.evaluate(record, vcpu);
      return identifier(interrupt, senders);
    });
  }

  /** End of interrupt: drops the priority and, unless the guest splits the two, deactivates. Special numbers end nothing. */
  end(record: number, vcpu: number, interrupt: number): void {
    if (interrupt >= R.INTERRUPTS) return;
    this.locked(record, () => {
      const area = this.area(record, vcpu);
      const active = (area + R.ACTIVE_PRIORITIES_1) >>> 2;
      const levels = this.memory.i32[active] as number;
      this.memory.i32[active] = levels & (levels - 1);
      if (this.memory.u32[(area + R.SPLIT_END) >>> 2] === 0) this.clearActive(record, vcpu, interrupt);
      this.evaluate(record, vcpu);
    });
  }

  deactivate(record: number, vcpu: number, interrupt: number): void {
    this.locked(record, () => this.clearActive(record, vcpu, interrupt));
  }

  /** Makes an interrupt inactive and looks at its line, if nobody tells when that falls. The lock is held. */
  clearActive(record: number, vcpu: number, interrupt: number): void {
    if (interrupt >= R.INTERRUPTS) return;
    if (interrupt !== EVENT_INTERRUPT) {
      this.change(record, vcpu, interrupt, 0, R.Flag.active);
      return;
    }
    const state = this.memory.u32[(this.area(record, vcpu) + R.CPU_STATE) >>> 2];
    const level = this.#events.eventLine(state) ? R.Flag.line : 0;
    this.change(record, vcpu, interrupt, level, R.Flag.active | R.Flag.line);
  }

  /** `sender` sends a software-generated interrupt (0 to 15) to the vCPUs of a bit set. */
  sendSoftware(record: number, sender: number, interrupt: number, targets: number): void {
    this.locked(record, () => {
      for (let vcpu = 0; vcpu < this.vcpus(record); vcpu++) {
        if (((targets >>> vcpu) & 1) === 0) continue;
        if (this.isVersion2(record)) this.changeSenders(record, vcpu, interrupt, 1 << sender, 0);
        else this.change(record, vcpu, interrupt, R.Flag.pending, 0);
      }
    });
  }

  /** The vCPUs whose SGI waits for `vcpu`, as a bit set: of a GICv2's SGIs alone, 0 for others. */
  senders(record: number, vcpu: number, interrupt: number): number {
    return this.memory.u8[this.entry(record, vcpu, interrupt) + R.ENTRY_SENDERS] as number;
  }

  /** Changes who waits with an SGI of a GICv2; it is pending while anyone does. The lock is held. */
  changeSenders(record: number, vcpu: number, interrupt: number, set: number, clear: number): void {
    const everyone = (1 << this.vcpus(record)) - 1;
    const senders = ((this.senders(record, vcpu, interrupt) & ~clear) | set) & everyone;
    this.memory.u8[this.entry(record, vcpu, interrupt) + R.ENTRY_SENDERS] = senders;
    this.change(record, vcpu, interrupt, senders === 0 ? 0 : R.Flag.pending, senders === 0 ? R.Flag.pending : 0);
  }

  /** Sets a field of a vCPU's area that decides what it takes. */
  setControl(record: number, vcpu: number, field: number, value: number): void {
    this.locked(record, () => {
      this.memory.u32[(this.area(record, vcpu) + field) >>> 2] = value;
      this.evaluate(record, vcpu);
    });
  }

  control(record: number, vcpu: number, field: number): number {
    return this.memory.u32[(this.area(record, vcpu) + field) >>> 2] as number;
  }
}
