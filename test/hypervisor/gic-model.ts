export const SPURIOUS = 1023;
const SHARED = 32;
const EVENTS = 31;

interface Interrupt {
  enabled: boolean;
  latched: boolean;
  line: boolean;
  active: boolean;
  edge: boolean;
  priority: number;
  /** Who sent it, of a GICv2's software interrupt. */
  readonly senders: Set<number>;
  /** The vCPU a shared interrupt goes to. */
  target: number;
}

/** A GIC as the manual tells it, without any state that could be derived: everything is looked up anew each time. */
export class GicModel {
  readonly #private: readonly Map<number, Interrupt>[];
  readonly #shared: ReadonlyMap<number, Interrupt>;
  readonly masks: number[];
  readonly enabled: boolean[];
  readonly split: boolean[];
  /** How many of a priority's low bits do not decide about preemption. */
  readonly subpriorityBits: number[];
  /** The priorities in service, each a level of its own. */
  readonly #running: number[][];
  readonly #version: 2 | 3;
  forwarding = true;

  constructor(version: 2 | 3, vcpus: number, interrupts: readonly number[]) {
    this.#version = version;
    const made = (software: boolean): Interrupt => ({
      enabled: software && version === 2,
      latched: false,
      line: false,
      active: false,
      edge: software,
      priority: 0,
      senders: new Set(),
      target: 0,
    });
    const own = interrupts.filter((interrupt) => interrupt < SHARED);
    this.#private = Array.from({ length: vcpus }, () => new Map(own.map((each) => [each, made(each < 16)])));
    this.#shared = new Map(interrupts.filter((each) => each >= SHARED).map((each) => [each, made(false)]));
    this.masks = Array.from({ length: vcpus }, () => 0xf8);
    this.enabled = Array.from({ length: vcpus }, () => true);
    this.subpriorityBits = Array.from({ length: vcpus }, () => 3);
    this.split = Array.from({ length: vcpus }, () => false);
    this.#running = Array.from({ length: vcpus }, () => []);
  }

  of(vcpu: number, interrupt: number): Interrupt {
    const found = (interrupt < SHARED ? this.#private[vcpu] : this.#shared).get(interrupt);
    if (found === undefined) throw new Error(`the model has no interrupt ${interrupt}`);
    return found;
  }

  isPending({ latched, line, edge, senders }: Interrupt): boolean {
    return latched || senders.size > 0 || (line && !edge);
  }

  send(sender: number, vcpu: number, interrupt: number): void {
    const it = this.of(vcpu, interrupt);
    if (this.#version === 2) it.senders.add(sender);
    else it.latched = true;
  }

  setLine(vcpu: number, interrupt: number, level: boolean): void {
    const it = this.of(vcpu, interrupt);
    if (level && !it.line && it.edge) it.latched = true;
    it.line = level;
  }

  running(vcpu: number): number {
    return Math.min(0xff, ...this.#running[vcpu]);
  }

  /** The interrupt that comes first of those that wait, masked or not. */
  pending(vcpu: number): number {
    if (!this.forwarding || !this.enabled[vcpu]) return SPURIOUS;
    const candidates = [...this.#private[vcpu], ...[...this.#shared].filter(([, { target }]) => target === vcpu)];
    const [best] = candidates
      .filter(([, it]) => it.enabled && !it.active && this.isPending(it))
      .sort(([a, one], [b, other]) => one.priority - other.priority || a - b);
    return best?.[0] ?? SPURIOUS;
  }

  #group(vcpu: number, priority: number): number {
    return priority - (priority % 2 ** this.subpriorityBits[vcpu]);
  }

  highest(vcpu: number): number {
    const interrupt = this.pending(vcpu);
    if (interrupt === SPURIOUS) return SPURIOUS;
    const { priority } = this.of(vcpu, interrupt);
    const running = this.running(vcpu);
    const preempts = running === 0xff || this.#group(vcpu, priority) < this.#group(vcpu, running);
    return priority < this.masks[vcpu] && preempts ? interrupt : SPURIOUS;
  }

  /** An interrupt as the guest reads it: with its sender, if that is known. */
  named(vcpu: number, interrupt: number): number {
    const senders = interrupt < 16 ? this.of(vcpu, interrupt).senders : new Set<number>();
    return senders.size === 0 ? interrupt : interrupt + Math.min(...senders) * 1024;
  }

  acknowledge(vcpu: number): number {
    const interrupt = this.highest(vcpu);
    if (interrupt === SPURIOUS) return SPURIOUS;
    const it = this.of(vcpu, interrupt);
    const named = this.named(vcpu, interrupt);
    it.senders.delete(Math.floor(named / 1024));
    it.latched = false;
    it.active = true;
    this.#running[vcpu].push(this.#group(vcpu, it.priority));
    return named;
  }

  end(vcpu: number, interrupt: number, eventLine: boolean): void {
    this.#running[vcpu].pop();
    if (!this.split[vcpu]) this.deactivate(vcpu, interrupt, eventLine);
  }

  deactivate(vcpu: number, interrupt: number, eventLine: boolean): void {
    const it = this.of(vcpu, interrupt);
    it.active = false;
    if (interrupt === EVENTS) it.line = eventLine;
  }
}
