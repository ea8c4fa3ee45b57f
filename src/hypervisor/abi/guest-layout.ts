/** Where an arm64 guest finds things in its physical memory (public/arch-arm.h); frames are 4 KiB. */

export const GRANT_FRAMES_FIRST = 0x38000;
export const CONSOLE_FRAME = 0x39000;
export const STORE_FRAME = 0x39001;
/** RAM bank 0 and how far it may reach. */
export const RAM_FIRST_FRAME = 0x40000;
export const RAM_BANK0_FRAMES = 0xc0000;

/** The private interrupt that tells of events. */
export const EVENT_INTERRUPT = 31;
