import { type Environment, NOT_MEMORY } from '../../../../src/cpu/environment.ts';

const neverAsked = (): never => {
  throw new Error('a test program asked for a device');
};

/** An environment for programs that touch nothing but the flat map of memory. */
export const harmlessEnvironment: Environment = {
  translate: () => NOT_MEMORY,
  deviceRead: neverAsked,
  deviceWrite: neverAsked,
  virtualCounter: () => 0,
  physicalCounter: () => 0,
  timerChanged: () => {},
  interruptRegisterRead: () => false,
  interruptRegisterWrite: () => false,
  forEachOther: () => {},
  sendEvent: () => {},
};
