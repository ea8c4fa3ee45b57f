import { readOffset } from '../../cpu/arm64/state.ts';
import type { MachineMemory } from '../../cpu/machine-memory.ts';
import { PC } from '../../cpu/state.ts';
import { wide } from '../core.ts';

const ARGUMENTS = 5;
const INSTRUCTION_BYTES = 4;

/**
 * One hypercall under way: who makes it and its arguments, copied from the registers (or a multicall's entry). A handler that
 * has much to do does a part, changes the arguments to say what is left, and asks to be called again: the guest takes
 * interrupts in between, as it does under Xen.
 */
export class Call {
  vcpu = 0;
  domain = 0;
  /** Address of the CPU record. */
  state = 0;
  /** Low and high halves of the five arguments. */
  readonly words: Uint32Array = new Uint32Array(ARGUMENTS * 2);
  /** The handler wants to be called again with the arguments as it left them. */
  again = false;
  /** The vCPU should let the scheduler decide who runs next. */
  reschedule = false;
  /** Inside a multicall. */
  nested = false;

  /** The low half of an argument, as an unsigned number. */
  low(index: number): number {
    return this.words[index * 2];
  }

  high(index: number): number {
    return this.words[index * 2 + 1];
  }

  /** An argument as a number; no valid one reaches 2^53. */
  number(index: number): number {
    return wide(this.words[index * 2], this.words[index * 2 + 1]);
  }

  isNull(index: number): boolean {
    return (this.words[index * 2] | this.words[index * 2 + 1]) === 0;
  }

  set(index: number, value: number): void {
    this.words[index * 2] = value;
    this.words[index * 2 + 1] = Math.floor(value / 0x1_0000_0000);
  }

  /** Moves a pointer argument forward. */
  advance(index: number, bytes: number): void {
    const low = this.words[index * 2] + bytes;
    this.words[index * 2] = low;
    if (low >= 0x1_0000_0000) this.words[index * 2 + 1]++;
  }

  /** Takes the arguments from x0 to x4. */
  load(memory: MachineMemory): void {
    for (let i = 0; i < ARGUMENTS; i++) {
      const register = (this.state + readOffset(i)) >>> 2;
      this.words[i * 2] = memory.u32[register];
      this.words[i * 2 + 1] = memory.u32[register + 1];
    }
  }

  /** Puts a result into x0. */
  finish(memory: MachineMemory, result: number): void {
    const register = (this.state + readOffset(0)) >>> 2;
    memory.u32[register] = result;
    memory.u32[register + 1] = Math.floor(result / 0x1_0000_0000);
  }

  /** Makes the guest execute the call again with the arguments as they are. */
  repeat(memory: MachineMemory): void {
    for (let i = 0; i < ARGUMENTS; i++) {
      const register = (this.state + readOffset(i)) >>> 2;
      memory.u32[register] = this.words[i * 2];
      memory.u32[register + 1] = this.words[i * 2 + 1];
    }
    const pc = (this.state + PC) >>> 2;
    const low = memory.u32[pc];
    memory.u32[pc] = low - INSTRUCTION_BYTES;
    if (low < INSTRUCTION_BYTES) memory.u32[pc + 1]--;
  }
}
