import { registers } from '../cpu/arm64/assembler.ts';
import { BindIpi, EventChannelOp, OnePort } from '../hypervisor/abi/event-channel.ts';
import { HypercallNumber } from '../hypervisor/abi/hypercall-number.ts';
import { type ArgumentField, type GuestAssembler, u32 } from './guest-assembler.ts';
import { Place } from './places.ts';

/** Event channel operations as the checks make them. */

type Register = typeof registers.x0;

const { x0 } = registers;

interface Operation {
  readonly number: number;
  readonly size: number;
  readonly fields: readonly ArgumentField[];
}

const make = (guest: GuestAssembler, what: string, result: number, { number, size, fields }: Operation): void => {
  guest.argument(size, ...fields);
  guest.expectCall(what, result, HypercallNumber.event_channel_op, number, Place.argument);
};

/** Does an operation, which must give a result. */
export const eventOperation = (
  guest: GuestAssembler,
  what: string,
  result: number,
  number: number,
  size: number,
  ...fields: readonly ArgumentField[]
): void => make(guest, what, result, { number, size, fields });

/** send, unmask or close of the port in a register. */
const onePort =
  (number: number) =>
  (guest: GuestAssembler, what: string, port: Register, result = 0): void =>
    make(guest, what, result, { number, size: OnePort.size, fields: [u32(OnePort.port, port)] });

export const sendEvent = onePort(EventChannelOp.send);
export const unmaskPort = onePort(EventChannelOp.unmask);
export const closePort = onePort(EventChannelOp.close);

/** Makes a port for events to a vCPU, in a register. */
export const bindIpi = (guest: GuestAssembler, vcpu: number, port: Register): void => {
  const fields = [u32(BindIpi.vcpu, vcpu)];
  make(guest, 'bind_ipi', 0, { number: EventChannelOp.bind_ipi, size: BindIpi.size, fields });
  guest.readArgument(port, BindIpi.port, 4);
  guest.cmp(port, 0);
  guest.cset(x0, 'ne');
  guest.expect('whether bind_ipi gives a port', x0, 1);
};
