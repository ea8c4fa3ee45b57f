import { FRAME_SIZE } from '../../memory/layout.ts';
import { Errno } from '../abi/errno.ts';
import { ControlBlock, FIFO_PRIORITY_DEFAULT, FIFO_QUEUES } from '../abi/event-channel.ts';
import type { Core } from '../core.ts';
import {
  EVENT_ABI,
  EVENT_TABLES,
  FIFO_PORTS,
  lockDomain,
  NOT_MAPPED,
  unlockDomain,
  VALID_PORTS,
  vcpuAt,
  vcpuCount,
} from '../domain.ts';
import { pinFrame } from '../physmap.ts';
import { FIFO_CONTROL, FIFO_CONTROL_FRAME, FIFO_TAILS } from '../vcpu.ts';
import * as fifo from './fifo.ts';
import {
  EVENT_ARRAY,
  EVENT_ARRAY_FRAMES,
  EVENT_ARRAY_GUEST_FRAMES,
  EVENT_WORDS_PER_FRAME,
  EventAbi,
  Port,
  PortState,
  portRecord,
} from './tables.ts';
import * as twoLevel from './two-level.ts';

/** Going over to the FIFO ABI and back: the frames that the guest shares for it stay referenced while they are in use. */

/**
 * Registers a vCPU's control block at an offset in a guest frame; the first one makes the domain use the FIFO ABI. Gives 0 or a
 * negative error number.
 */
export const initControl = (
  core: Core,
  domain: number,
  vcpuIndex: number,
  guestFrame: number,
  offset: number,
): number => {
  const { memory } = core;
  const vcpu = vcpuAt(memory, domain, vcpuIndex);
  if (vcpu === 0) return -Errno.ENOENT;
  if (offset > FRAME_SIZE - ControlBlock.size || (offset & 7) !== 0) return -Errno.EINVAL;
  lockDomain(memory, domain);
  let result: number = -Errno.EINVAL;
  const frame = memory.u32[(vcpu + FIFO_CONTROL) >>> 2] === 0 ? pinFrame(core, domain, guestFrame) : 0;
  if (frame !== 0) {
    if (memory.u32[(domain + EVENT_ABI) >>> 2] !== EventAbi.fifo) adoptPorts(core, domain);
    memory.u32[(vcpu + FIFO_CONTROL_FRAME) >>> 2] = guestFrame;
    memory.u32[(vcpu + FIFO_CONTROL) >>> 2] = frame + offset;
    result = 0;
  }
  unlockDomain(memory, domain);
  return result;
};

/** Carries open ports over from the two-level ABI: their events wait until the event array reaches them. */
const adoptPorts = (core: Core, domain: number): void => {
  const { memory } = core;
  const valid = memory.u32[(domain + VALID_PORTS) >>> 2];
  for (let port = 1; port < valid; port++) {
    const record = portRecord(memory, domain, port);
    const open = memory.u8[record + Port.state] !== PortState.free;
    memory.u8[record + Port.latched] = open && twoLevel.isPending(core, domain, port) ? 1 : 0;
    memory.u8[record + Port.priority] = FIFO_PRIORITY_DEFAULT;
    memory.u8[record + Port.lastVcpu] = 0;
    memory.u8[record + Port.lastPriority] = 0;
  }
  memory.u32[(domain + FIFO_PORTS) >>> 2] = 0;
  memory.u32[(domain + EVENT_ABI) >>> 2] = EventAbi.fifo;
};

/** Adds a guest frame to the event array. Gives 0 or a negative error number. */
export const expandArray = (core: Core, domain: number, guestFrame: number): number => {
  const { memory } = core;
  lockDomain(memory, domain);
  const result =
    memory.u32[(domain + EVENT_ABI) >>> 2] === EventAbi.fifo ? addFrame(core, domain, guestFrame) : -Errno.EOPNOTSUPP;
  unlockDomain(memory, domain);
  return result;
};

const addFrame = (core: Core, domain: number, guestFrame: number): number => {
  const { memory } = core;
  const first = memory.u32[(domain + FIFO_PORTS) >>> 2];
  const slot = first / EVENT_WORDS_PER_FRAME;
  if (slot >= EVENT_ARRAY_FRAMES) return -Errno.ENOSPC;
  const frame = pinFrame(core, domain, guestFrame);
  if (frame === 0) return -Errno.EINVAL;
  const tables = memory.u32[(domain + EVENT_TABLES) >>> 2];
  memory.u32[(tables + EVENT_ARRAY + slot * 4) >>> 2] = frame;
  memory.u32[(tables + EVENT_ARRAY_GUEST_FRAMES + slot * 4) >>> 2] = guestFrame;
  memory.u32[(domain + FIFO_PORTS) >>> 2] = first + EVENT_WORDS_PER_FRAME;
  const end = Math.min(memory.u32[(domain + VALID_PORTS) >>> 2], first + EVENT_WORDS_PER_FRAME);
  for (let port = first; port < end; port++) {
    const record = portRecord(memory, domain, port);
    if (memory.u8[record + Port.latched] === 0) continue;
    memory.u8[record + Port.latched] = 0;
    fifo.setPending(core, domain, port, record);
  }
  return 0;
};

/** Releases what the FIFO ABI took and goes back to the two-level ABI; the domain is locked. */
export const destroyFifo = (core: Core, domain: number): void => {
  const { memory } = core;
  if (memory.u32[(domain + EVENT_ABI) >>> 2] !== EventAbi.fifo) return;
  memory.u32[(domain + EVENT_ABI) >>> 2] = EventAbi.twoLevel;
  for (let index = 0; index < vcpuCount(memory, domain); index++) {
    const vcpu = vcpuAt(memory, domain, index);
    const control = memory.u32[(vcpu + FIFO_CONTROL) >>> 2];
    memory.u32[(vcpu + FIFO_CONTROL) >>> 2] = 0;
    memory.u32[(vcpu + FIFO_CONTROL_FRAME) >>> 2] = NOT_MAPPED;
    memory.u32.fill(0, (vcpu + FIFO_TAILS) >>> 2, ((vcpu + FIFO_TAILS) >>> 2) + FIFO_QUEUES);
    if (control !== 0) core.frames.release((control & ~(FRAME_SIZE - 1)) >>> 0);
  }
  const tables = memory.u32[(domain + EVENT_TABLES) >>> 2];
  const slots = memory.u32[(domain + FIFO_PORTS) >>> 2] / EVENT_WORDS_PER_FRAME;
  memory.u32[(domain + FIFO_PORTS) >>> 2] = 0;
  for (let slot = 0; slot < slots; slot++) {
    core.frames.release(memory.u32[(tables + EVENT_ARRAY + slot * 4) >>> 2]);
  }
};
