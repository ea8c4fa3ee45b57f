/** Event channels (public/event_channel.h): operations, and byte offsets of their arguments. */

export const EventChannelOp = {
  bind_interdomain: 0,
  bind_virq: 1,
  bind_pirq: 2,
  close: 3,
  send: 4,
  status: 5,
  alloc_unbound: 6,
  bind_ipi: 7,
  bind_vcpu: 8,
  unmask: 9,
  reset: 10,
  init_control: 11,
  expand_array: 12,
  set_priority: 13,
  reset_cont: 14,
} as const;

export const AllocUnbound = { dom: 0, remoteDom: 2, port: 4, size: 8 } as const;
export const BindInterdomain = { remoteDom: 0, remotePort: 4, localPort: 8, size: 12 } as const;
export const BindVirq = { virq: 0, vcpu: 4, port: 8, size: 12 } as const;
export const BindPirq = { pirq: 0, flags: 4, port: 8, size: 12 } as const;
export const BindIpi = { vcpu: 0, port: 4, size: 8 } as const;
export const BindVcpu = { port: 0, vcpu: 4, size: 8 } as const;
/** close, send and unmask. */
export const OnePort = { port: 0, size: 4 } as const;
export const Reset = { dom: 0, size: 2 } as const;
export const Status = { dom: 0, port: 4, status: 8, vcpu: 12, u: 16, uPort: 20, size: 24 } as const;
export const InitControl = { controlGfn: 0, offset: 8, vcpu: 12, linkBits: 16, size: 24 } as const;
export const ExpandArray = { arrayGfn: 0, size: 8 } as const;
export const SetPriority = { port: 0, priority: 4, size: 8 } as const;

/** evtchn_status.status. */
export const ChannelStatus = { closed: 0, unbound: 1, interdomain: 2, pirq: 3, virq: 4, ipi: 5 } as const;

/** Ports that the two-level ABI can name. */
export const TWO_LEVEL_PORTS = 4096;

/** Physical interrupts that a domain may name on Arm. */
export const PIRQS = 1024;

/** The event word of the FIFO ABI (u32). */
export const EventWord = {
  pending: 1 << 31,
  masked: 1 << 30,
  linked: 1 << 29,
  busy: 1 << 28,
  linkMask: (1 << 17) - 1,
} as const;
export const FIFO_LINK_BITS = 17;
export const FIFO_PORTS_LIMIT = 1 << FIFO_LINK_BITS;
export const FIFO_PRIORITY_DEFAULT = 7;
/** The lowest priority; priorities count from 0, the highest. */
export const FIFO_PRIORITY_MIN = 15;
export const FIFO_QUEUES = FIFO_PRIORITY_MIN + 1;
/** evtchn_fifo_control_block. */
export const ControlBlock = { ready: 0, head: 8, size: 72 } as const;

/** Virtual interrupts (public/xen.h). */
export const Virq = {
  timer: 0,
  debug: 1,
  console: 2,
  domainException: 3,
  xenoprof: 7,
  xenpmu: 13,
} as const;
export const VIRQS = 24;
