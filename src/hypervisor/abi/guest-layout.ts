/** Where an arm64 guest of Xen 4.17 finds things in its physical memory (public/arch-arm.h). Addresses and sizes in bytes. */
export const GuestLayout = {
  gicv3Distributor: 0x0300_1000,
  gicv3DistributorSize: 0x1_0000,
  gicv3Redistributors: 0x0302_0000,
  gicv3RedistributorsSize: 0x100_0000,
  gicv2Distributor: 0x0300_1000,
  gicv2DistributorSize: 0x1000,
  gicv2CpuInterface: 0x0300_2000,
  gicv2CpuInterfaceSize: 0x2000,
  /** The emulated UART of `vuart` and which shared interrupt is its own. */
  vuart: 0x2200_0000,
  vuartSize: 0x1000,
  vuartSpi: 0,
  grantTable: 0x3800_0000,
  grantTableSize: 0x100_0000,
  /** Pages that Xen puts there: the console's ring, then the store's. */
  magicBase: 0x3900_0000,
  ramBase: 0x4000_0000,
  ramBank0Size: 0xc000_0000,
  ramBank1Base: 0x2_0000_0000,
  ramBank1Size: 0xfe_0000_0000,
  /** Phandle of the interrupt controller in the device tree. */
  gicPhandle: 0xfde8,
} as const;

const FRAME_SIZE = 4096;

/** The same as guest frame numbers. */
export const GRANT_FRAMES_FIRST = GuestLayout.grantTable / FRAME_SIZE;
export const CONSOLE_FRAME = GuestLayout.magicBase / FRAME_SIZE;
export const STORE_FRAME = CONSOLE_FRAME + 1;
/** RAM bank 0 and how far it may reach. */
export const RAM_FIRST_FRAME = GuestLayout.ramBase / FRAME_SIZE;
export const RAM_BANK0_FRAMES = GuestLayout.ramBank0Size / FRAME_SIZE;

/** The private interrupt that tells of events. */
export const EVENT_INTERRUPT = 31;
